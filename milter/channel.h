/*
 * What parent and worker say to each other: one datagram per message over a
 * pair of sockets.  When one of them dies the other reads the end.
 */
#ifndef MILTER_CHANNEL_H
#define MILTER_CHANNEL_H

#include <stdbool.h>

enum channel_kind {
	CHANNEL_END = 0,	/* the other side is gone */
	CHANNEL_NOTHING = 1,	/* nothing to read now */
	CHANNEL_ERROR = 'E',	/* worker: a problem, as text */
	CHANNEL_WARNING = 'W',	/* worker: a risky thing, as text */
	CHANNEL_READY = 'R',	/* worker: serving from now on */
	CHANNEL_DETACHED = 'L', /* worker: accepts nothing any more */
	CHANNEL_DRAIN = 'D',	/* parent: serve your sessions to their end */
	CHANNEL_STOP = 'S',	/* parent: finish the mails, then end */
};

enum { CHANNEL_TEXT_MAX = 1024 };

/* 0, or -1 with errno. */
int channel_open(int ends[2]);
/* Text is cut at CHANNEL_TEXT_MAX; nobody there is no trouble. */
void channel_send(int fd, enum channel_kind kind, const char *text);
/* Never waits. */
enum channel_kind channel_receive(int fd, char text[CHANNEL_TEXT_MAX]);

#endif
