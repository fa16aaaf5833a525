/* A new configuration while mails run: a new worker, or all stays as it was. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "metric/metric.h"
#include "notify.h"
#include "parent.h"

/*
 * An editor empties the file before it writes it, and an empty file has no
 * rule: nobody has asked for a reload then, so a replacement waits.
 */
enum { SETTLED_SECONDS = 2 };

static void
add_line(struct buf *text, const char *line)
{
	/* A text too long for an answer is cut: the log has it all. */
	if (buf_add_format(text, NULL, "%s\n", line) != 0)
		return;
}

/* Takes the reload back, and says why. */
static void
refuse(struct parent *parent, int code, const struct buf *why)
{
	if (!parent->replacing)
		metric_add(METRIC_RELOADS_FAILED, 1);
	if (parent->serving != NULL)
		log_error("reload refused, the configuration stays as it was");
	else
		log_error("no worker can start, so no mail is served; it is "
			  "tried again, at once when %s has changed",
			parent->conf->path);
	mem_free(parent->last_refusal);
	parent->last_refusal = mem_string_n(why->data, why->len);
	conf_free(parent->next_conf);
	parent->next_conf = NULL;
	notify_ready();
	control_answer_reload(
		parent, parent->reload_number, code, buf_span(why));
}

void
reload_note_file(struct parent *parent)
{
	if (stat(parent->conf->path, &parent->file) != 0)
		parent->file = (struct stat){ 0 };
}

enum reload_file
reload_look_at_file(const struct parent *parent)
{
	const struct stat *old = &parent->file;
	struct stat now;
	time_t age;

	if (stat(parent->conf->path, &now) != 0)
		now = (struct stat){ 0 };
	if (now.st_ino == old->st_ino && now.st_size == old->st_size &&
		now.st_mtim.tv_sec == old->st_mtim.tv_sec &&
		now.st_mtim.tv_nsec == old->st_mtim.tv_nsec)
		return FILE_SAME;
	age = clock_now() - now.st_mtim.tv_sec;
	return age >= 0 && age < SETTLED_SECONDS ? FILE_CHANGES : FILE_CHANGED;
}

static int
load(struct parent *parent)
{
	struct buf why = { .limit_bytes = CONTROL_ANSWER_MAX / 2 };
	struct list problems = { 0 };
	const struct problem *problem;
	int failed;

	reload_note_file(parent);
	failed = conf_load(
		parent->conf->path, false, &parent->next_conf, &problems);
	/* When it may start, its worker finds and says all there is to say. */
	LIST_FOREACH (problem, &problems) {
		char *text = problem_format(problem);

		if (failed && problem->kind == PROBLEM_ERROR) {
			log_error("%s", text);
			add_line(&why, text);
		}
		mem_free(text);
	}
	list_clear(&problems, problem_free);
	if (failed)
		refuse(parent, CONTROL_NO, &why);
	buf_clear(&why);
	return failed ? -1 : 0;
}

/* ---- what needs a restart ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_socket(const struct conf_socket *a, const struct conf_socket *b)
{
	return same_text(a->socket, b->socket) &&
	       same_text(a->group, b->group) && a->mode == b->mode;
}

/* The names of those that differ. */
static void
find_changed(struct parent *parent, struct list *changed)
{
	const struct conf *old = parent->conf, *next = parent->next_conf;

	if (!same_socket(&old->listen, &next->listen))
		list_add(changed, mem_string("listen"));
	if (!same_socket(&old->control, &next->control))
		list_add(changed, mem_string("control"));
	if (!same_text(old->user, next->user))
		list_add(changed, mem_string("user"));
	if (!same_text(old->pid_file, next->pid_file))
		list_add(changed, mem_string("pid_file"));
}

static void
swap_texts(char **a, char **b)
{
	char *held = *a;

	*a = *b;
	*b = held;
}

static void
swap_sockets(struct conf_socket *a, struct conf_socket *b)
{
	struct conf_socket held = *a;

	*a = *b;
	*b = held;
}

/* The parent goes on with what it was started with. */
static void
take_fixed(struct conf *old, struct conf *next)
{
	swap_sockets(&old->listen, &next->listen);
	swap_sockets(&old->control, &next->control);
	swap_texts(&old->user, &next->user);
	swap_texts(&old->pid_file, &next->pid_file);
}

void
reload_begin(struct parent *parent, enum reload_why reload_why)
{
	struct buf why = { 0 };
	struct list changed = { 0 };
	struct error err;
	char *name;

	if (parent->stopping)
		return;
	parent->reload_again = parent->starting != NULL;
	if (parent->reload_again)
		return;
	parent->replacing = reload_why == RELOAD_REPLACES;
	parent->reload_number++;
	notify_reloading();
	if (load(parent) != 0)
		return;
	if (workers_start(parent, &err) != 0) {
		log_error("%s", err.text);
		add_line(&why, err.text);
		refuse(parent, CONTROL_TROUBLE, &why);
		buf_clear(&why);
		return;
	}
	find_changed(parent, &changed);
	LIST_FOREACH (name, &changed) {
		char *text = mem_printf("%s: %s has changed: that needs a "
					"restart, the old value stays",
			parent->conf->path, name);

		log_warning("%s", text);
		list_add(&parent->starting->warnings, text);
	}
	list_clear(&changed, mem_free);
}

void
reload_succeeded(struct parent *parent)
{
	struct buf text = { .limit_bytes = CONTROL_ANSWER_MAX / 2 };
	struct conf *old = parent->conf;
	const char *warning;

	parent->conf = parent->next_conf;
	parent->next_conf = NULL;
	if (old->log_level != parent->conf->log_level)
		log_set_level(parent->conf->log_level);
	log_open(parent->conf->log_target, parent->conf->log_facility);
	take_fixed(old, parent->conf);
	conf_free(old);
	parent_set_writers(parent);
	parent->loaded = clock_now();
	parent->restart_at_ms = 0;
	if (!parent->replacing)
		parent->deaths = 0;
	mem_free(parent->last_refusal);
	parent->last_refusal = NULL;
	if (parent->replacing) {
		log_warning("worker %ld serves mails now",
			(long)parent->serving->pid);
	} else {
		metric_add(METRIC_RELOADS, 1);
		log_info("reloaded");
	}
	LIST_FOREACH (warning, &parent->serving->warnings)
		add_line(&text, warning);
	add_line(&text, "the new configuration is in force");
	control_answer_reload(
		parent, parent->reload_number, CONTROL_YES, buf_span(&text));
	buf_clear(&text);
}

void
reload_failed(struct parent *parent, const struct child *child, int status)
{
	struct buf why = { .limit_bytes = CONTROL_ANSWER_MAX / 2 };
	bool has_said_why = child->errors.count != 0;
	const char *problem;
	char end[64];

	LIST_FOREACH (problem, &child->errors)
		add_line(&why, problem);
	snprintf(end, sizeof(end), "the new worker ended by %s %d",
		WIFSIGNALED(status) ? "signal" : "itself with status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (!has_said_why)
		add_line(&why, end);
	refuse(parent, has_said_why ? CONTROL_NO : CONTROL_TROUBLE, &why);
	buf_clear(&why);
}
