/*
 * The mix of mails for load mode, a line each:
 *	SENDER RECIPIENT[,RECIPIENT] EXPECT SIZE|FILE [login=NAME] [client=ADDR]
 * EXPECT is signed, encrypted, plain or any.
 */
#include "load.h"

#include <stdlib.h>
#include <string.h>

static const char *const expect_names[] = { "signed", "encrypted", "plain",
	"any" };

static int
read_expect(const char *text, enum expect *out)
{
	int i;

	for (i = 0; i <= EXPECT_ANY; i++)
		if (text && !strcmp(text, expect_names[i])) {
			*out = (enum expect)i;
			return 0;
		}
	return -1;
}

/* Printable lines of 76 octets; the first one is the mail's own. */
static void
make_message(struct kind *kind, size_t size)
{
	char value[300];
	char line[] = "The quick brown fox jumps over the lazy dog, again and "
		      "again and again; 0123.\r\n";
	size_t left = size;

	snprintf(value, sizeof(value), " %s", kind->sender);
	message_append(&kind->message, "From", value);
	snprintf(value, sizeof(value), " %s", kind->rcpts[0]);
	message_append(&kind->message, "To", value);
	message_append(&kind->message, "Subject", " load");
	message_append(&kind->message, "MIME-Version", " 1.0");
	message_append(&kind->message, "Content-Type",
		" text/plain; charset=us-ascii");
	message_add_body(&kind->message, "serial ................\r\n", 25);
	kind->serial = true;
	while (left >= sizeof(line) - 1) {
		message_add_body(&kind->message, line, sizeof(line) - 1);
		left -= sizeof(line) - 1;
	}
}

static void
take_word(struct kind *kind, const char *word)
{
	if (!strncmp(word, "login=", 6))
		kind->login = copy_text(word + 6);
	else if (!strncmp(word, "client=", 7))
		kind->client = copy_text(word + 7);
}

static void
take_recipients(struct kind *kind, char *words)
{
	char *rest, *word;

	for (word = strtok_r(words, ",", &rest);
		word && kind->rcpt_count < KIND_RCPTS;
		word = strtok_r(NULL, ",", &rest))
		kind->rcpts[kind->rcpt_count++] = copy_text(word);
}

static int
read_line(struct kind *kind, char *line)
{
	char *rest, *end;
	char *sender = strtok_r(line, " \t\n", &rest);
	char *rcpts = strtok_r(NULL, " \t\n", &rest);
	char *expect = strtok_r(NULL, " \t\n", &rest);
	char *what = strtok_r(NULL, " \t\n", &rest);
	size_t size;

	if (!what || read_expect(expect, &kind->expect) < 0)
		return -1;
	kind->sender = copy_text(sender);
	take_recipients(kind, rcpts);
	for (sender = strtok_r(NULL, " \t\n", &rest); sender;
		sender = strtok_r(NULL, " \t\n", &rest))
		take_word(kind, sender);
	size = strtoul(what, &end, 10);
	if (!*end)
		make_message(kind, size);
	else if (message_read(&kind->message, what, false) < 0)
		return -1;
	return 0;
}

int
mix_read(struct load *load, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1024];

	if (!file) {
		perror(path);
		return -1;
	}
	while (load->kind_count < KINDS_MAX &&
		fgets(line, sizeof(line), file)) {
		if (*line == '#' || *line == '\n')
			continue;
		if (read_line(load->kinds + load->kind_count, line) < 0) {
			fprintf(stderr, "%s: line %zu is not understood\n",
				path, load->kind_count + 1);
			fclose(file);
			return -1;
		}
		load->senders[load->kind_count] =
			load->kinds[load->kind_count].sender;
		load->kind_count++;
	}
	fclose(file);
	return load->kind_count ? 0 : -1;
}

void
mix_free(struct load *load)
{
	size_t i, k;

	for (i = 0; i < load->kind_count; i++) {
		struct kind *kind = load->kinds + i;

		for (k = 0; k < kind->rcpt_count; k++)
			free(kind->rcpts[k]);
		free(kind->sender);
		free(kind->login);
		free(kind->client);
		message_clear(&kind->message);
	}
}
