/*
 * The process that makes sockets and workers and never looks at a mail: one
 * loop that waits for signals, workers and the control socket, and never for
 * any one of them alone.
 */
#ifndef MILTER_PARENT_H
#define MILTER_PARENT_H

#include <poll.h>
#include <stdint.h>
#include <sys/stat.h>

#include "child.h"
#include "conf/conf.h"
#include "control/control.h"

enum { CONNECTIONS_MAX = 16, WORKERS_MAX = 64, FILINGS_MAX = 4 };
/* The codes of answers: smimectl exits with them. */
enum { CONTROL_YES = 0, CONTROL_NO = 1, CONTROL_TROUBLE = 3 };

/* In memory that parent and workers share. */
struct shared {
	_Atomic int log_level;
	_Atomic int64_t warned_at; /* concerns.h */
	int64_t metrics[];	   /* metric_bytes() of them */
};

enum connection_state {
	CONNECTION_FREE,
	CONNECTION_ASKS,  /* its request is coming in */
	CONNECTION_WAITS, /* for the reload with the number waits_for */
	CONNECTION_HEARS, /* its answer is going out */
};

struct connection {
	enum connection_state state;
	int fd;
	int64_t deadline_ms;
	unsigned waits_for;
	struct control_request request;
	struct control_reply reply;
};

struct parent {
	struct conf *conf;	/* in force */
	struct conf *next_conf; /* of the reload under way, or NULL */
	int report;		/* to the launching process, or -1 */
	bool background;	/* -f was not given */
	struct delay delay;
	struct identity identity;
	struct shared *shared;
	time_t started;
	time_t loaded;

	int pid_fd, listener, control, signals;
	struct connection connections[CONNECTIONS_MAX];
	uid_t *writers; /* who may change the running daemon */
	size_t writer_count;
	uid_t filer;		    /* who may file alone; (uid_t)-1: nobody */
	pid_t filings[FILINGS_MAX]; /* filing.h; 0: none */

	struct list children;	/* struct child *: all, the draining too */
	struct child *serving;	/* or NULL */
	struct child *starting; /* has not said "ready", or NULL */

	unsigned reload_number; /* of the reload under way, or the last one */
	bool reload_again;	/* asked for while one is under way */
	bool replacing;		/* it is for a worker that died */
	struct stat file;	/* of the configuration when last read */
	char *last_refusal;	/* why the last reload failed, or NULL */

	int64_t restart_at_ms; /* 0: no new worker is due */
	unsigned deaths;       /* of workers, soon after their start */

	bool stopping;
	int64_t stop_at_ms; /* workers that are still there are ended */
	int exit_status;
};

/*
 * conf has been read without stores; it is taken over.  report is where a
 * launching process waits (background.h), or -1.  Returns the exit status when
 * the daemon has ended.
 */
int parent_run(struct conf *conf, int report, const struct delay *delay);

/* ---- between the parent's own files ---- */

/* parent.c */
void parent_set_writers(struct parent *parent);
/* A sentence for the log, and for the terminal as long as we start. */
void parent_complain(const struct parent *parent, const char *text);

/* workers.c */
int workers_start(struct parent *parent, struct error *err) MUST_USE;
void workers_restart(struct parent *parent);
void workers_hear(struct parent *parent, struct child *child);
void workers_reap(struct parent *parent);

/* reload.c */
/*
 * Begin one; while a worker starts, that is put off until it has.  REPLACES:
 * nobody asked, but a worker has died, and the new one reads the file as well.
 */
enum reload_why { RELOAD_WANTED, RELOAD_REPLACES };
void reload_begin(struct parent *parent, enum reload_why why);
/* The file, as it was when it was read last. */
void reload_note_file(struct parent *parent);
enum reload_file { FILE_SAME, FILE_CHANGES, FILE_CHANGED };
/* And now?  CHANGES: just now, so that somebody may still be writing it. */
enum reload_file reload_look_at_file(const struct parent *parent);
void reload_succeeded(struct parent *parent);
/* Its worker has ended with that status of waitpid() before it was ready. */
void reload_failed(
	struct parent *parent, const struct child *child, int status);

/* control.c */
struct pollfd control_pollfd(const struct connection *connection);
void control_accept_all(struct parent *parent);
void control_advance(struct parent *parent, struct connection *connection);
/* Answer those that wait for the reload of that number, or earlier. */
void control_answer_reload(
	struct parent *parent, unsigned number, int code, struct span text);
void control_close(struct connection *connection);

/* status.c */
int status_print(
	struct parent *parent, struct buf *out, struct error *err) MUST_USE;
int status_print_json(
	struct parent *parent, struct buf *out, struct error *err) MUST_USE;
int status_print_metrics(
	struct parent *parent, struct buf *out, struct error *err) MUST_USE;

/* setup.c */
/* All sockets, locks and memory; nothing of them exists when it fails. */
int setup_open(struct parent *parent, struct error *err) MUST_USE;
/* From now on connections are refused. */
void setup_close_listener(struct parent *parent);
void setup_close(struct parent *parent);

#endif
