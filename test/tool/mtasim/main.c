#include "mtasim.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *
must(void *pointer)
{
	if (!pointer) {
		fputs("mtasim: out of memory\n", stderr);
		exit(SIM_USAGE);
	}
	return pointer;
}

char *
copy_text(const char *text)
{
	return must(strdup(text));
}

double
now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void
sleep_ms(unsigned milliseconds)
{
	struct timespec time = { .tv_sec = milliseconds / 1000,
		.tv_nsec = milliseconds % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int, char **);
	} modes[] = {
		{ "load", load_main },
		{ "fault", fault_main },
		{ "bare", bare_main },
	};
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(argv[1], modes[i].name))
			return modes[i].run(argc - 1, argv + 1);
	return single_main(argc, argv);
}
