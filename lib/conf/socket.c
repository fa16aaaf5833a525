/* The two sockets. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "conf/internal.h"

enum { PORT_MAX = 65535 };

static int
check_unix(const char *path, struct error *err)
{
	struct sockaddr_un name;

	if (path[0] != '/')
		return error_set(err, ERROR_CONFIG,
			"\"%s\" must be a whole path, from / on", path);
	if (strlen(path) >= sizeof(name.sun_path))
		return error_set(err, ERROR_CONFIG,
			"the path of a socket has at most %zu bytes",
			sizeof(name.sun_path) - 1);
	return 0;
}

/* "8897@127.0.0.1": the number is a port, and the rest an address. */
static int
check_inet(const char *text, int family, struct error *err)
{
	struct in6_addr address;
	unsigned port = 0;
	int len = 0;

	if (sscanf(text, "%5u%n", &port, &len) != 1 || text[0] < '0' ||
		text[0] > '9' || text[len] != '@' || port == 0 ||
		port > PORT_MAX)
		return error_set(err, ERROR_CONFIG,
			"\"%s\" must be PORT@ADDRESS, such as \"%s\"", text,
			family == AF_INET ? "inet:8897@127.0.0.1"
					  : "inet6:8897@::1");
	if (inet_pton(family, text + len + 1, &address) != 1)
		return error_set(err, ERROR_CONFIG, "\"%s\" is no %s address",
			text + len + 1, family == AF_INET ? "IPv4" : "IPv6");
	return 0;
}

/* As written, or with "unix:" in front of a plain path. */
static int
parse_socket(const char *text, char **out, struct error *err)
{
	const char *rest = strchr(text, ':');
	size_t len = rest != NULL ? (size_t)(rest - text) : 0;
	struct span kind = span_of(text, len);

	if (text[0] == '/') {
		if (check_unix(text, err) != 0)
			return -1;
		*out = mem_printf("unix:%s", text);
		return 0;
	}
	if (span_is(kind, "unix") || span_is(kind, "local")) {
		if (check_unix(rest + 1, err) != 0)
			return -1;
		*out = mem_printf("unix:%s", rest + 1);
		return 0;
	}
	if (!span_is(kind, "inet") && !span_is(kind, "inet6"))
		return error_set(err, ERROR_CONFIG,
			"\"%s\" is none of \"unix:/PATH\", "
			"\"inet:PORT@ADDRESS\", \"inet6:PORT@ADDRESS\"",
			text);
	if (check_inet(rest + 1, span_is(kind, "inet") ? AF_INET : AF_INET6,
		    err) != 0)
		return -1;
	*out = mem_string(text);
	return 0;
}

static void
set_socket(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	char **field = (char **)(void *)((char *)into + row->offset);
	struct error err = { 0 };
	char *text = NULL, *parsed = NULL;
	struct conf_row plain = *row;

	plain.offset = 0;
	kind_text.set(reader, setting, &plain, &text);
	if (text != NULL && parse_socket(text, &parsed, &err) != 0)
		report_error(
			reader, setting, "%s.socket: %s", row->where, err.text);
	if (parsed != NULL) {
		mem_free(*field);
		*field = parsed;
	}
	mem_free(text);
}

/* The daemon and the tool speak over a path only. */
static void
set_control_socket(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	struct conf *conf = into;
	char **path = &conf->control.socket;

	set_socket(reader, setting, row, into);
	if (*path == NULL)
		return;
	if (strncmp(*path, "unix:", 5) == 0)
		memmove(*path, *path + 5, strlen(*path + 5) + 1);
	else
		report_error(reader, setting,
			"control.socket must be a path, so that its rights "
			"say who may speak");
}

static const struct conf_row *
find_socket_row(const char *where)
{
	size_t count;
	const struct conf_row *row = conf_rows(&count);

	while (strcmp(row->where, where) != 0)
		row++;
	return row;
}

/* A plain string is the socket, everything else the default. */
static void
set_listen(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	const struct conf_row *socket = find_socket_row(row->name);

	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		group_read(reader, setting, row->name, into);
		return;
	}
	group_read(reader, NULL, row->name, into);
	socket->kind->set(reader, setting, socket, into);
}

static void
set_control(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	struct conf *conf = into;

	set_listen(reader, setting, row, into);
	conf->control.mode = 0660;
}

/* Whoever can connect can forge macros (design: the rights are the gate). */
void
check_listen(struct reader *reader, const config_setting_t *root)
{
	const struct conf_socket *listen = &reader->conf->listen;
	unsigned at = line_of_member(root, "listen");

	if (listen->socket == NULL)
		return;
	if (strncmp(listen->socket, "unix:", 5) != 0)
		report_at(reader, PROBLEM_WARNING, at,
			"listen is a TCP socket: every local user%s can "
			"connect, forge who sent a mail, and so obtain "
			"signatures; a unix socket has rights",
			strstr(listen->socket, "@127.") ||
					strstr(listen->socket, "@::1")
				? ""
				: ", and every host that reaches it,");
	else if ((listen->mode & 07) != 0)
		report_at(reader, PROBLEM_WARNING, at,
			"listen.mode lets every local user connect, forge who "
			"sent a mail, and so obtain signatures");
}

const struct conf_kind kind_listen = { "a group or a string", set_listen,
	false };
const struct conf_kind kind_socket = { "a socket in quotes", set_socket, true };
const struct conf_kind kind_control = { "a group or a string", set_control,
	false };
const struct conf_kind kind_control_socket = { "a path in quotes",
	set_control_socket, true };
