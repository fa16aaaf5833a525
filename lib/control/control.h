/*
 * What daemon and tool say to each other over the control socket: one request
 * line ("reload", "status", "metrics", "log debug"), one answer of an exit
 * code line ("0", "1", "3") and text, then the connection is closed.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

enum { CONTROL_REQUEST_MAX = 256, CONTROL_ANSWER_MAX = 1 << 20 };

/* ---- the tool's side ---- */

/*
 * Ask, wait at most timeout_ms, and give the answer's code and text.  SYSTEM
 * with a sentence when nobody listens ("is the daemon running?").
 */
int control_ask(const char *socket_path, const char *request, int timeout_ms,
	int *code, struct buf *text, struct error *err) MUST_USE;

/* ---- the daemon's side ---- */

struct control_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

/* Bind and listen; an old socket file nobody serves is replaced. */
int control_listen(const char *socket_path, const char *group, mode_t mode,
	int *fd, struct error *err) MUST_USE;
/* Who is it (SO_PEERCRED)? */
int control_peer_of(int fd, struct control_peer *out,
	struct error *err) MUST_USE;
/* Read the request line, at most timeout_ms. */
int control_read_request(int fd, int timeout_ms,
	char out[CONTROL_REQUEST_MAX], struct error *err) MUST_USE;
int control_answer(int fd, int code, struct span text,
	struct error *err) MUST_USE;

#endif
