#include "tnef.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "gateway/gateway.h"

enum { NAME_MAX_BYTES = 200, SAME_NAME_MAX = 10000 };

/* ---- names ---- */

static const char *
usual_name(const struct tnef_item *item)
{
	static const char *const bodies[][2] = {
		{ "text/html", "body.html" },
		{ "text/plain", "body.txt" },
		{ "application/rtf", "body.rtf" },
	};

	switch (item->kind) {
	case TNEF_BODY:
		for (size_t i = 0; i < COUNT_OF(bodies); i++)
			if (strcmp(item->type, bodies[i][0]) == 0)
				return bodies[i][1];
		return "body";
	case TNEF_CALENDAR:
		return "calendar.ics";
	case TNEF_CARD:
		return "card.vcf";
	case TNEF_MESSAGE:
		return "message";
	case TNEF_ATTACHMENT:
		break;
	}
	return "attachment";
}

/* Longer ones are cut before a character of UTF-8, and keep their ending. */
static char *
shorten(char *name)
{
	const char *dot = strrchr(name, '.');
	size_t ending = dot != NULL ? strlen(dot) : 0;
	size_t len = strlen(name);
	char *out;

	if (len <= NAME_MAX_BYTES)
		return name;
	if (ending > NAME_MAX_BYTES / 4)
		ending = 0;
	len = NAME_MAX_BYTES - ending;
	while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
		len--;
	out = mem_printf("%.*s%s", (int)len, name, ending != 0 ? dot : "");
	mem_free(name);
	return out;
}

/* One component of a path that is neither hidden nor special. */
static char *
safe_name(const struct tnef_item *item)
{
	char *name =
		mem_string(item->name != NULL ? item->name : usual_name(item));

	for (char *at = name; *at != '\0'; at++)
		if (*at == '/' || *at == '\\' || (unsigned char)*at < ' ' ||
			*at == 0x7f)
			*at = '_';
	if (name[0] == '.' || name[0] == '-')
		name[0] = '_';
	if (item->kind == TNEF_MESSAGE) {
		char *mail = mem_printf("%s.eml", name);

		mem_free(name);
		name = mail;
	}
	return shorten(name);
}

/* "a.txt", "a (2).txt", ... */
static char *
numbered(const char *name, unsigned number)
{
	const char *dot = strrchr(name, '.');
	size_t stem = dot != NULL ? (size_t)(dot - name) : strlen(name);

	if (number == 1)
		return mem_string(name);
	return mem_printf(
		"%.*s (%u)%s", (int)stem, name, number, dot != NULL ? dot : "");
}

/* ---- files ---- */

/* A file that was not there before, below the folder. */
static int
create(int folder, const char *name, struct error *err)
{
	for (unsigned i = 1; i <= SAME_NAME_MAX; i++) {
		char *try = numbered(name, i);
		int fd = openat(folder, try,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0666);
		int why = errno;

		if (fd < 0 && why != EEXIST)
			error_set(err, ERROR_CONFIG, "%s: cannot write: %s",
				try, strerror(why));
		mem_free(try);
		if (fd >= 0 || why != EEXIST)
			return fd;
	}
	return error_set(
		err, ERROR_LIMIT, "%s: too many files of this name", name);
}

static int
put(int fd, const char *name, struct span bytes, struct error *err)
{
	return file_put(fd, bytes) == 0
		       ? 0
		       : error_set(err, ERROR_SYSTEM, "%s: cannot write: %s",
				 name, strerror(errno));
}

static int
write_item(int folder, const struct tnef_item *item, struct error *err)
{
	char *name = safe_name(item);
	struct span bytes = item->data;
	struct buf mail = { 0 };
	int result = -1;
	int fd = -1;

	if (item->message != NULL) {
		if (gateway_tnef_mail(item->message, &mail, err) != 0)
			goto out;
		bytes = buf_span(&mail);
	}
	fd = create(folder, name, err);
	if (fd < 0 || put(fd, name, bytes, err) != 0)
		goto out;
	result = 0;
out:
	if (fd >= 0 && close(fd) != 0 && result == 0)
		result = error_set(err, ERROR_SYSTEM, "%s: cannot write: %s",
			name, strerror(errno));
	buf_clear(&mail);
	mem_free(name);
	return result;
}

int
tnef_extract(
	const struct tnef_message *message, const char *dir, struct error *err)
{
	const struct list *const lists[] = { &message->bodies,
		&message->items };
	int folder, result = 0;

	if (mkdir(dir, 0777) != 0 && errno != EEXIST)
		return error_set(err, ERROR_CONFIG, "%s: cannot be made: %s",
			dir, strerror(errno));
	folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return error_set(
			err, ERROR_CONFIG, "%s: %s", dir, strerror(errno));
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		const struct tnef_item *item;

		LIST_FOREACH (item, lists[i])
			if (result == 0)
				result = write_item(folder, item, err);
	}
	close(folder);
	return result;
}
