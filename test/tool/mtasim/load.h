/* Load mode: many mails over several connections at once. */
#ifndef MTASIM_LOAD_H
#define MTASIM_LOAD_H

#include <pthread.h>

#include "mtasim.h"

enum { KINDS_MAX = 64, KIND_RCPTS = 64, THREADS_MAX = 512 };

enum expect { EXPECT_SIGNED, EXPECT_ENCRYPTED, EXPECT_PLAIN, EXPECT_ANY };

struct kind {
	char *sender;
	char *rcpts[KIND_RCPTS];
	size_t rcpt_count;
	char *login, *client;
	enum expect expect;
	struct message message;
	bool serial; /* the body starts with a place for a number */
};

enum count {
	COUNT_MAILS,
	COUNT_SIGNED,
	COUNT_ENCRYPTED,
	COUNT_UNSIGNED,
	COUNT_WRONG_SIGNER,
	COUNT_MIXED_UP,
	COUNT_REJECTED,
	COUNT_TEMPFAILED,
	COUNT_HELD,
	COUNT_VIOLATIONS,
	COUNT_IO_ERRORS,
	COUNT_RETRIED,
	COUNT_VERIFIED,
	COUNTS
};

struct load {
	const char *socket;
	const char *until; /* stop when this file exists, or NULL */
	struct kind kinds[KINDS_MAX];
	const char *senders[KINDS_MAX];
	size_t kind_count;
	unsigned mails, connections, per_connection;
	unsigned verify_every; /* fully, with OpenSSL; 0: never */
	unsigned pause_ms, timeout_ms, seconds;
	bool check_signer, retry, json;
	pthread_mutex_t lock;
	unsigned taken;
	double end;
};

struct worker {
	struct load *load;
	pthread_t thread;
	unsigned number;
	unsigned long counts[COUNTS];
	double *latencies; /* seconds, from MAIL to the verdict */
	size_t latency_count, latency_room;
	char complaint[200]; /* the first one */
};

int mix_read(struct load *load, const char *path);
void mix_free(struct load *load);
void *load_worker(void *worker);

#endif
