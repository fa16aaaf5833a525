/*
 * What daemon and tool say to each other over the control socket: one request
 * line ("reload", "status", "metrics", "log debug"), one answer of an exit
 * code line ("0", "1", "3") and text, then the connection is closed.
 *
 * "may-file STORE" asks whether the peer may, and there is such a store.
 * "file BYTES ADDRESS STORE" is followed by that many bytes, once the daemon
 * has said "+": whoever may not ask for it sends no key.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

enum { CONTROL_REQUEST_MAX = 1024, CONTROL_ANSWER_MAX = 1 << 20 };

/* ---- the tool's side ---- */

/*
 * Ask, wait at most timeout_ms, and give the answer's code and text.  SYSTEM
 * with a sentence when nobody listens ("is the daemon running?"), FORMAT when
 * what comes back is no answer.
 */
int control_ask(const char *socket_path, const char *request, int timeout_ms,
	int *code, struct buf *text, struct error *err) MUST_USE;
/* The same, with bytes behind the request when the daemon wants them. */
int control_hand(const char *socket_path, const char *request,
	struct span bytes, int timeout_ms, int *code, struct buf *text,
	struct error *err) MUST_USE;

/* ---- the daemon's side: nothing here ever waits ---- */

struct control_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

/*
 * Bind and listen, non-blocking; an old socket file nobody serves is replaced,
 * one that is served is CONFIG.  group may be NULL; one that does not exist
 * is CONFIG, as is a path too long for a socket.  Without root the group must
 * be one of ours.
 */
int control_listen(const char *socket_path, const char *group, mode_t mode,
	int *fd, struct error *err) MUST_USE;
/* Accept one, non-blocking and not inherited by programs; -1: nobody there. */
int control_accept(int fd) MUST_USE;
/* Who is it (SO_PEERCRED)? */
int control_peer_of(
	int fd, struct control_peer *out, struct error *err) MUST_USE;

/* A request that comes bit by bit; zeroed it is empty. */
struct control_request {
	char text[CONTROL_REQUEST_MAX]; /* without its line end, once whole */
	size_t len;
};
/*
 * 1 when the line is whole, 0 when more must come, -1 when the peer has gone
 * (SYSTEM), the line is too long (LIMIT) or not text (FORMAT).
 */
int control_receive(
	int fd, struct control_request *request, struct error *err) MUST_USE;

/* An answer that goes out bit by bit; zeroed it is empty. */
struct control_reply {
	struct buf bytes;
	size_t sent;
};
int control_reply_set(struct control_reply *reply, int code, struct span text,
	struct error *err) MUST_USE;
/* 1 when all is sent, 0 when the peer must read first, -1 when it has gone. */
int control_send(
	int fd, struct control_reply *reply, struct error *err) MUST_USE;
void control_reply_clear(struct control_reply *reply);

/* ---- but for these, which are for a process of its own ---- */

/*
 * Say that the bytes may come, and read them, appended to out.  FORMAT when
 * there are fewer, SYSTEM when they take longer than timeout_ms.
 */
int control_take(int fd, size_t bytes, int timeout_ms, struct buf *out,
	struct error *err) MUST_USE;
/* The whole answer, or nothing more when that takes longer. */
void control_answer(int fd, int code, const char *text, int timeout_ms);

#endif
