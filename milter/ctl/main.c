/* smimectl: the administrator's tool.  See ctl.h. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "base/event.h"
#include "base/leave.h"
#include "crypto/crypto.h"
#include "ctl.h"

/* An answer that could not be written is no answer. */
static int
flush_answer(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	ctl_complain("the answer could not be written");
	return CTL_TROUBLE;
}

int
main(int argc, char **argv)
{
	struct request request;
	int code = CTL_USAGE;

	crypto_watch_memory();
	setlocale(LC_ALL, "");
	signal(SIGPIPE, SIG_IGN);
	event_set_sink(ctl_print_event);
	if (request_parse(argc, argv, &request) == 0)
		code = flush_answer(request.command->run(&request));
	request_clear(&request);
	leave(code); /* a directory's name may still be looked up */
}
