#include "slapd_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "pki_fixture.h"

static struct {
	bool asked, runs;
	pid_t pid;
	FILE *to, *from;
	char folder[128];
	unsigned port, tls_port;
	struct list texts; /* char *: given out, freed at exit */
} directory;

static void
end_directory(void)
{
	if (directory.to != NULL) {
		fclose(directory.to);
		fclose(directory.from);
		waitpid(directory.pid, NULL, 0);
	}
	list_clear(&directory.texts, mem_free);
}

static void
begin_directory(void)
{
	int to[2], from[2];
	char line[256];

	directory.asked = true;
	if (pipe(to) != 0 || pipe(from) != 0)
		return;
	directory.pid = fork();
	if (directory.pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		close(to[0]);
		close(to[1]);
		close(from[0]);
		close(from[1]);
		execlp("python3", "python3", "-B", "test/flow/slapd.py",
			pki_dir(), (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	directory.to = fdopen(to[1], "w");
	directory.from = fdopen(from[0], "r");
	atexit(end_directory);
	if (fgets(line, sizeof(line), directory.from) == NULL)
		strcpy(line, "skipped: no python3, or slapd did not start\n");
	directory.runs = sscanf(line, "ready %127s %u %u", directory.folder,
				 &directory.port, &directory.tls_port) == 3;
	if (!directory.runs)
		fputs(line, stdout);
}

void
slapd_need(void)
{
	if (!directory.asked)
		begin_directory();
	if (!directory.runs)
		skip();
}

static void
tell(const char *word)
{
	char line[64] = "";

	fprintf(directory.to, "%s\n", word);
	fflush(directory.to);
	if (fgets(line, sizeof(line), directory.from) == NULL ||
		strcmp(line, "done\n") != 0)
		fail_msg("the directory did not %s: %s", word, line);
}

void
slapd_start(void)
{
	tell("start");
}

void
slapd_stop(void)
{
	tell("stop");
}

static const char *
keep(char *text)
{
	list_add(&directory.texts, text);
	return text;
}

const char *
slapd_uri(void)
{
	return keep(mem_printf("ldap://127.0.0.1:%u", directory.port));
}

const char *
slapd_tls_uri(void)
{
	return keep(mem_printf("ldaps://127.0.0.1:%u", directory.tls_port));
}

const char *
slapd_local_uri(void)
{
	char *text = mem_printf("ldapi://%s/ldapi", directory.folder);
	char *out = mem_alloc(3 * strlen(text) + 1), *to = out;

	for (const char *at = text; *at != '\0'; at++)
		if (*at == '/' && at > text + strlen("ldapi://") - 1)
			to += sprintf(to, "%%2F");
		else
			*to++ = *at;
	mem_free(text);
	return keep(out);
}

const char *
slapd_path(const char *name)
{
	return keep(mem_printf("%s/%s", directory.folder, name));
}
