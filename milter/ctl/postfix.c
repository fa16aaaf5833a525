/* What postconf says about main.cf and master.cf. */
#include "postfix.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { ANSWER_MAX_BYTES = 16 << 20 };

/* What is asked for; everything else of main.cf does not concern us. */
static const char *const wanted[] = {
	"config_directory",
	"compatibility_level",
	"queue_directory",
	"mail_owner",
	"smtpd_milters",
	"non_smtpd_milters",
	"smtpd_milter_maps",
	"milter_default_action",
	"milter_protocol",
	"message_size_limit",
	"content_filter",
	"always_bcc",
	"receive_override_options",
	"smtpd_sasl_auth_enable",
	"smtpd_sender_login_maps",
	"smtpd_client_restrictions",
	"smtpd_helo_restrictions",
	"smtpd_sender_restrictions",
	"smtpd_relay_restrictions",
	"smtpd_recipient_restrictions",
	"local_login_sender_maps",
};

static void
setting_free(void *item)
{
	struct setting *setting = item;

	mem_free(setting->service);
	mem_free(setting->name);
	mem_free(setting->value);
	mem_free(setting);
}

static void
service_free(void *item)
{
	struct service *service = item;

	mem_free(service->id);
	mem_free(service->command);
	mem_free(service);
}

void
postfix_clear(struct postfix *postfix)
{
	list_clear(&postfix->settings, setting_free);
	list_clear(&postfix->services, service_free);
}

/* "name = value", or "service/type/name = value" */
static void
take_setting(struct postfix *postfix, char *line)
{
	char *equals = strstr(line, " =");
	struct setting *setting;
	char *slash;

	if (equals == NULL)
		return;
	*equals = '\0';
	equals += 2;
	slash = strrchr(line, '/');
	setting = mem_alloc(sizeof(*setting));
	if (slash != NULL)
		setting->service = mem_string_n(line, (size_t)(slash - line));
	setting->name = mem_string(slash != NULL ? slash + 1 : line);
	setting->value = mem_string(equals + strspn(equals, " "));
	list_add(&postfix->settings, setting);
}

/*
 * service type private unprivileged chroot wakeup maxproc command.  "-" for
 * chroot is the default, which compatibility_level 1 changed to "n".
 */
static void
take_service(struct postfix *postfix, char *line)
{
	bool modern =
		strtol(postfix_value(postfix, NULL, "compatibility_level"),
			NULL, 10) >= 1;
	struct service *service;
	char *field[8], *rest = NULL;

	for (size_t i = 0; i < COUNT_OF(field); i++) {
		field[i] = strtok_r(i == 0 ? line : NULL, " \t", &rest);
		if (field[i] == NULL)
			return;
	}
	service = mem_alloc(sizeof(*service));
	service->id = mem_printf("%s/%s", field[0], field[1]);
	service->command = mem_string(field[7]);
	service->chrooted =
		field[4][0] == 'y' || (field[4][0] == '-' && !modern);
	list_add(&postfix->services, service);
}

/* postconf [-c folder] MODE [names], each line of its answer taken. */
static int
ask(struct postfix *postfix, const char *folder, const char *mode, bool names,
	void (*take)(struct postfix *, char *), struct error *err)
{
	const char *argv[COUNT_OF(wanted) + 5] = { "postconf" };
	struct buf answer = { 0 };
	size_t n = 1;
	int status = 0, result = -1;
	char *text, *rest = NULL;

	if (folder != NULL) {
		argv[n++] = "-c";
		argv[n++] = folder;
	}
	argv[n++] = mode;
	for (size_t i = 0; names && i < COUNT_OF(wanted); i++)
		argv[n++] = wanted[i];
	buf_init(&answer, ANSWER_MAX_BYTES);
	if (run_program(argv, &answer, &status, err) != 0 ||
		buf_add(&answer, "", 1, err) != 0)
		goto out;
	result = status;
	text = status == 0 ? (char *)answer.data : NULL;
	if (text != NULL)
		text = strtok_r(text, "\n", &rest);
	for (; text != NULL; text = strtok_r(NULL, "\n", &rest))
		take(postfix, text);
out:
	buf_clear(&answer);
	return result;
}

int
postfix_read(struct postfix *postfix, const char *folder, struct error *err)
{
	int status = ask(postfix, folder, "-x", true, take_setting, err);

	if (status > 0 && folder == NULL)
		return 0;
	if (status == 0)
		status = ask(postfix, folder, "-M", false, take_service, err);
	if (status == 0)
		status = ask(postfix, folder, "-xP", false, take_setting, err);
	if (status > 0)
		error_set(err, ERROR_SYSTEM,
			"postconf%s%s cannot read main.cf and master.cf: run "
			"it by hand to see why",
			folder ? " -c " : "", folder ? folder : "");
	return status == 0 ? 1 : -1;
}

const char *
postfix_value(const struct postfix *postfix, const struct service *service,
	const char *name)
{
	const char *value = "";
	const struct setting *setting;

	LIST_FOREACH (setting, &postfix->settings) {
		if (strcmp(setting->name, name) != 0)
			continue;
		if (setting->service == NULL)
			value = setting->value;
		else if (service != NULL &&
			 strcmp(setting->service, service->id) == 0)
			return setting->value;
	}
	return value;
}

bool
postfix_is_smtpd(const struct service *service)
{
	return strcmp(service->command, "smtpd") == 0;
}

/* ---- lists of milters ---- */

void
filter_free(void *item)
{
	struct filter *filter = item;

	mem_free(filter->text);
	mem_free(filter->settings);
	mem_free(filter);
}

static void
add_filter(struct list *out, const char *text, size_t len)
{
	struct filter *filter = mem_alloc(sizeof(*filter));
	size_t name;

	if (text[0] == '{') {
		text++;
		len = len > 2 ? len - 2 : 0;
		while (len != 0 && strchr(" \t", *text) != NULL)
			text++, len--;
	}
	for (name = 0; name < len && strchr(", \t", text[name]) == NULL;)
		name++;
	filter->text = mem_string_n(text, name);
	if (name < len)
		filter->settings = mem_string_n(text + name, len - name);
	list_add(out, filter);
}

void
postfix_filters(const char *value, struct list *out)
{
	while (*value != '\0') {
		size_t len = 0;
		int depth = 0;

		value += strspn(value, ", \t");
		for (; value[len] != '\0'; len++) {
			if (depth == 0 && strchr(", \t", value[len]) != NULL)
				break;
			depth += (value[len] == '{') - (value[len] == '}');
		}
		if (len != 0)
			add_filter(out, value, len);
		value += len;
	}
}
