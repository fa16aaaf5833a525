#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/control.h"

struct place {
	char folder[32];
	char path[64];
	int listener;
	const char *answer; /* raw bytes; NULL: control_reply_set(1, "why") */
	char heard[CONTROL_REQUEST_MAX];
};

static int
setup(void **state)
{
	struct place *place = mem_alloc(sizeof(*place));

	strcpy(place->folder, "/tmp/control_test.XXXXXX");
	if (mkdtemp(place->folder) == NULL)
		return -1;
	snprintf(place->path, sizeof(place->path), "%s/s", place->folder);
	place->listener = -1;
	*state = place;
	return 0;
}

static int
teardown(void **state)
{
	struct place *place = *state;

	if (place->listener >= 0)
		close(place->listener);
	unlink(place->path);
	rmdir(place->folder);
	mem_free(place);
	return 0;
}

static int
wait_for(int fd, short events)
{
	struct pollfd wait = { fd, events, 0 };

	return poll(&wait, 1, 10000);
}

/* Serves one request as the daemon does, waiting where that does not. */
static void *
serve(void *arg)
{
	struct place *place = arg;
	struct control_request request = { .len = 0 };
	struct control_reply reply = { .sent = 0 };
	int fd, whole;

	wait_for(place->listener, POLLIN);
	fd = control_accept(place->listener);
	do {
		wait_for(fd, POLLIN);
		whole = control_receive(fd, &request, NULL);
	} while (whole == 0);
	if (whole == 1)
		strcpy(place->heard, request.text);
	if (place->answer != NULL) {
		if (send(fd, place->answer, strlen(place->answer),
			    MSG_NOSIGNAL) < 0)
			abort();
	} else if (control_reply_set(&reply, 1, SPAN("why\n"), NULL) == 0) {
		while (control_send(fd, &reply, NULL) == 0)
			wait_for(fd, POLLOUT);
	}
	control_reply_clear(&reply);
	close(fd);
	return NULL;
}

static int
ask(struct place *place, const char *request, int *code, struct buf *text,
	struct error *err)
{
	pthread_t thread;
	int result;

	assert_int_equal(
		control_listen(place->path, NULL, 0600, &place->listener, NULL),
		0);
	assert_int_equal(pthread_create(&thread, NULL, serve, place), 0);
	result = control_ask(place->path, request, 10000, code, text, err);
	pthread_join(thread, NULL);
	close(place->listener);
	place->listener = -1;
	return result;
}

static void
a_request_gets_its_answer(void **state)
{
	struct place *place = *state;
	struct buf text = { 0 };
	int code = -1;

	assert_int_equal(ask(place, "log debug", &code, &text, NULL), 0);
	assert_string_equal(place->heard, "log debug");
	assert_int_equal(code, 1);
	assert_true(span_is(buf_span(&text), "why\n"));
	buf_clear(&text);
}

static void
what_is_no_answer_is_refused(void **state)
{
	static const char *const answers[] = { "", "1", "x\nwhy", "12\nwhy",
		" 1\n" };
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct error err = { 0 };
		struct buf text = { 0 };
		int code = -1;

		place->answer = answers[i];
		assert_int_equal(ask(place, "status", &code, &text, &err), -1);
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_int_equal(code, -1);
		buf_clear(&text);
	}
}

static void
nobody_there_is_asked_about(void **state)
{
	struct place *place = *state;
	struct error err = { 0 };
	struct buf text = { 0 };
	int code;

	assert_int_equal(
		control_ask(place->path, "status", 1000, &code, &text, &err),
		-1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, "is the daemon running?"));
}

static void
a_daemon_that_says_nothing_is_not_waited_for(void **state)
{
	struct place *place = *state;
	struct error err = { 0 };
	struct buf text = { 0 };
	int code;

	assert_int_equal(
		control_listen(place->path, NULL, 0600, &place->listener, NULL),
		0);
	assert_int_equal(
		control_ask(place->path, "status", 50, &code, &text, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, "in time"));
}

static void
a_request_of_two_lines_is_not_sent(void **state)
{
	struct place *place = *state;
	struct error err = { 0 };
	char long_one[CONTROL_REQUEST_MAX + 1];
	struct buf text = { 0 };
	int code;

	memset(long_one, 'x', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	assert_int_equal(control_ask(place->path, "status\nreload", 1000, &code,
				 &text, &err),
		-1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_int_equal(
		control_ask(place->path, long_one, 1000, &code, &text, &err),
		-1);
	assert_int_equal(err.kind, ERROR_LIMIT);
}

static void
requests_come_in_pieces_and_have_a_limit(void **state)
{
	static const struct {
		const char *label, *pieces[3];
		int result;
		enum error_kind kind;
		const char *text;
	} cases[] = {
		{ "whole", { "reload\n" }, 1, ERROR_NONE, "reload" },
		{ "in pieces", { "re", "lo", "ad\n" }, 1, ERROR_NONE,
			"reload" },
		{ "CRLF", { "status\r\n" }, 1, ERROR_NONE, "status" },
		{ "empty", { "\n" }, 1, ERROR_NONE, "" },
		{ "not yet", { "relo" }, 0, ERROR_NONE, NULL },
		{ "no end", { NULL }, -1, ERROR_LIMIT, NULL },
	};
	char no_end[CONTROL_REQUEST_MAX + 1];

	(void)state;
	memset(no_end, 'x', sizeof(no_end) - 1);
	no_end[sizeof(no_end) - 1] = '\0';
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct control_request request = { .len = 0 };
		struct error err = { 0 };
		int ends[2], result = 0;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		for (int k = 0; k < 3 && result == 0; k++) {
			const char *piece = cases[i].pieces[k];

			if (piece == NULL && cases[i].result >= 0)
				break;
			piece = piece != NULL ? piece : no_end;
			assert_true(write(ends[0], piece, strlen(piece)) > 0);
			result = control_receive(ends[1], &request, &err);
		}
		if (result != cases[i].result || err.kind != cases[i].kind)
			fail_msg("%s", cases[i].label);
		if (cases[i].text != NULL)
			assert_string_equal(request.text, cases[i].text);
		close(ends[0]);
		close(ends[1]);
	}
}

static void
a_nul_and_a_vanished_peer_are_refused(void **state)
{
	struct control_request request = { .len = 0 };
	struct error err = { 0 };
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[0], "a\0b\n", 4), 4);
	assert_int_equal(control_receive(ends[1], &request, &err), -1);
	assert_int_equal(err.kind, ERROR_FORMAT);
	close(ends[0]);
	request.len = 0;
	assert_int_equal(control_receive(ends[1], &request, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	close(ends[1]);
}

static void
a_peer_that_does_not_read_is_not_waited_for(void **state)
{
	struct control_reply reply = { .sent = 0 };
	size_t size = CONTROL_ANSWER_MAX - 10;
	char *text = mem_alloc(size);
	int ends[2];

	(void)state;
	memset(text, 'x', size);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(
		control_reply_set(&reply, 0, span_of(text, size), NULL), 0);
	assert_int_equal(control_send(ends[1], &reply, NULL), 0);
	close(ends[0]);
	assert_int_equal(control_send(ends[1], &reply, NULL), -1);
	assert_int_equal(
		control_reply_set(&reply, 0, span_of(text, size * 2), NULL),
		-1);
	control_reply_clear(&reply);
	close(ends[1]);
	mem_free(text);
}

static void
the_peer_is_known(void **state)
{
	struct control_peer peer;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(control_peer_of(ends[0], &peer, NULL), 0);
	assert_int_equal(peer.uid, geteuid());
	assert_int_equal(peer.pid, getpid());
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(control_peer_of(ends[0], &peer, NULL), -1);
}

static void
a_left_over_socket_is_replaced_with_its_mode(void **state)
{
	struct place *place = *state;
	struct stat st;
	int fd;

	assert_int_equal(control_listen(place->path, NULL, 0600, &fd, NULL), 0);
	close(fd);
	assert_int_equal(
		control_listen(place->path, NULL, 0660, &place->listener, NULL),
		0);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(control_accept(place->listener), -1);
}

static void
what_is_in_the_way_stays(void **state)
{
	struct place *place = *state;
	struct error err = { 0 };
	char too_long[200];
	int fd = -1;
	FILE *file;

	assert_int_equal(
		control_listen(place->path, NULL, 0600, &place->listener, NULL),
		0);
	assert_int_equal(
		control_listen(place->path, NULL, 0600, &fd, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "serves"));
	unlink(place->path);
	file = fopen(place->path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(
		control_listen(place->path, NULL, 0600, &fd, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(access(place->path, F_OK), 0);
	assert_int_equal(control_listen(place->path, "no-such-group-here", 0600,
				 &fd, &err),
		-1);
	assert_non_null(strstr(err.text, "no-such-group-here"));
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(control_listen(too_long, NULL, 0600, &fd, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(fd, -1);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_PLACE(a_request_gets_its_answer),
		IN_A_PLACE(what_is_no_answer_is_refused),
		IN_A_PLACE(nobody_there_is_asked_about),
		IN_A_PLACE(a_daemon_that_says_nothing_is_not_waited_for),
		IN_A_PLACE(a_request_of_two_lines_is_not_sent),
		cmocka_unit_test(requests_come_in_pieces_and_have_a_limit),
		cmocka_unit_test(a_nul_and_a_vanished_peer_are_refused),
		cmocka_unit_test(a_peer_that_does_not_read_is_not_waited_for),
		cmocka_unit_test(the_peer_is_known),
		IN_A_PLACE(a_left_over_socket_is_replaced_with_its_mode),
		IN_A_PLACE(what_is_in_the_way_stays),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
