/*
 * mtasim plays the MTA in the milter protocol (version 6): it hands mails to
 * a milter, obeys what was negotiated, applies the answers as an MTA does,
 * and calls everything else a violation.  It shares no code with the product.
 */
#ifndef MTASIM_MTASIM_H
#define MTASIM_MTASIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PRINTF(a, b) __attribute__((format(printf, a, b)))

/* ---- packets: a length of four octets, a command, data ---- */

enum { WIRE_PACKET_MAX = 1 << 20, BODY_CHUNK = 65535 };

struct wire {
	int fd;
	int timeout_ms; /* for each answer */
	uint8_t *in, *out;
	size_t in_at, in_used, out_used;
	char why[160]; /* after a failure */
};

struct packet {
	char command;
	const uint8_t *data; /* until the next packet */
	size_t length;
};

/* unix:/path, inet:port@host, inet6:port@host, or a path */
int wire_open(struct wire *wire, const char *socket, int timeout_ms);
void wire_close(struct wire *wire);
int wire_raw(struct wire *wire, const void *octets, size_t length);
int wire_send(struct wire *wire, char command, const void *data, size_t length);
int wire_flush(struct wire *wire);
/* 1: a packet; 0: it took too long; -1: closed, broken. */
int wire_receive(struct wire *wire, struct packet *packet);
/* Is something there that nobody asked for?  Waits so long for it. */
bool wire_surprise(struct wire *wire, int wait_ms);

/* ---- a message, and what a milter does to it ---- */

struct field {
	char *name;
	char *value; /* after the colon, folds as LF + blank */
	bool gone;   /* Sendmail keeps the place of a removed field */
	bool hidden; /* the MTA's own Received: counted, never shown */
};

struct message {
	struct field *fields;
	size_t count, room;
	uint8_t *body;
	size_t body_length, body_room;
};

enum edit_rules { RULES_POSTFIX, RULES_SENDMAIL };

/* LF becomes CRLF unless raw.  -1 and a word on stderr. */
int message_read(struct message *message, const char *path, bool raw);
int message_parse(struct message *message, const uint8_t *octets, size_t length,
	bool raw);
void message_copy(struct message *to, const struct message *from, bool body);
void message_clear(struct message *message);
const char *message_field(const struct message *message, const char *name);
void message_append(
	struct message *message, const char *name, const char *value);
void message_add(struct message *message, enum edit_rules rules,
	const char *name, const char *value);
void message_insert(struct message *message, uint32_t index, const char *name,
	const char *value);
void message_change(struct message *message, enum edit_rules rules,
	uint32_t index, const char *name, const char *value);
void message_add_body(
	struct message *message, const void *octets, size_t length);
int message_write(const struct message *message, FILE *out);

/* ---- a session with the milter ---- */

/* The command line's exit status, too. */
enum status {
	SIM_ACCEPT,
	SIM_REJECT,
	SIM_TEMPFAIL,
	SIM_HELD,
	SIM_VIOLATION,
	SIM_IO,
	SIM_USAGE
};
const char *status_name(enum status status);

enum stage {
	STAGE_CONNECT,
	STAGE_HELO,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA,
	STAGE_HEADER,
	STAGE_EOH,
	STAGE_BODY,
	STAGE_EOB,
	STAGE_END
};
extern const char *const stage_names[STAGE_END + 1];
enum stage stage_find(const char *name, size_t length); /* or STAGE_END + 1 */

enum { MACROS_MAX = 32, RCPTS_MAX = 5000 };

struct macro {
	enum stage stage;
	const char *name, *value;
};

struct job {
	const struct message *message;
	const char *mail_from; /* as the MTA says it, with or without <> */
	const char *const *rcpts;
	size_t rcpt_count;
	const char *client; /* address; NULL: family unknown */
	unsigned port;	    /* 0: Postfix's own submission */
	const char *login, *queue_id;
	struct macro macros[MACROS_MAX];
	size_t macro_count;
	size_t chunk; /* octets of body in a packet */
	enum edit_rules rules;
	bool headers_only;	     /* keep no body, old or new */
	enum stage stop_before;	     /* STAGE_END: run to the end */
	const char *wait[STAGE_END]; /* go on when this file exists */
	unsigned pause_ms;	     /* at most, between two commands */
	FILE *replies;		     /* each answer in words, or NULL */
};
void job_init(struct job *job);

struct session {
	struct wire wire;
	uint32_t actions, steps;
	char *symbols[STAGE_END]; /* macros the milter asked for, or NULL */
	bool greeted, accepted;
	unsigned random;
};

struct result {
	enum status status;
	bool stopped;  /* at job->stop_before */
	bool finished; /* the milter gave its verdict at EOB */
	bool body_replaced, edited;
	char text[1100]; /* the SMTP answer, or what went wrong */
	char quarantine[256];
	struct message after;
};

/* Connect and negotiate; 0, or -1 with result filled. */
int session_open(struct session *session, const char *socket, int timeout_ms,
	struct result *result);
void session_mail(
	struct session *session, const struct job *job, struct result *result);
void session_abort(struct session *session);
void session_close(struct session *session, bool quit);
/* Reads answers up to the verdict; edits only when at is STAGE_EOB. */
int session_answer(struct session *session, const struct job *job,
	enum stage at, struct result *result);
int session_fail(struct result *result, enum status status, const char *format,
	...) PRINTF(3, 4);
void session_send_macros(
	struct session *session, const struct job *job, enum stage stage);
/* A modification at EOB; -1: a violation. */
int session_edit(struct session *session, const struct job *job,
	const struct packet *packet, struct result *result);
void result_init(struct result *result);
void result_clear(struct result *result);

/* ---- whose signature is it? ---- */

enum signature { SIGNATURE_NONE, SIGNATURE_OURS, SIGNATURE_WRONG };
/*
 * The certificate in the signature belongs to sender, and to nobody in
 * others.  fully: the signature is right, too.  Detached or opaque.
 */
enum signature signature_check(const struct message *message,
	const char *sender, const char *const *others, size_t other_count,
	bool fully, char why[160]);
bool message_is_encrypted(const struct message *message);

/* ---- the program's modes ---- */

int single_main(int argc, char **argv);
int load_main(int argc, char **argv);
int fault_main(int argc, char **argv);
int bare_main(int argc, char **argv);

void *must(void *pointer); /* memory, or the end */
char *copy_text(const char *text);
double now_seconds(void);
void sleep_ms(unsigned milliseconds);

#endif
