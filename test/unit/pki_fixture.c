#include "pki_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/smime-milter-pki-XXXXXX";

static void
run(const char *program, const char *const arguments[])
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		execvp(program, (char *const *)arguments);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "%s failed with status %d\n", arguments[1],
			status);
		exit(1);
	}
}

static void
remove_folder(void)
{
	const char *arguments[] = { "rm", "-rf", folder, NULL };

	run("rm", arguments);
}

const char *
pki_dir(void)
{
	const char *arguments[] = { "sh", "test/pki/make-pki.sh", folder,
		"--quiet", NULL };
	const char *given = getenv("SMIME_PKI");
	static int made;

	if (given != NULL && given[0] != '\0')
		return given;
	if (!made) {
		if (mkdtemp(folder) == NULL) {
			perror(folder);
			exit(1);
		}
		atexit(remove_folder);
		run("sh", arguments);
		made = 1;
	}
	return folder;
}
