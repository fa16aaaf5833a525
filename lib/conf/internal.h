/* What the files of this folder share. */
#ifndef CONF_INTERNAL_H
#define CONF_INTERNAL_H

#include <libconfig.h>

#include "base/buf.h"
#include "conf/conf.h"

/* ---- source.c: the file with all it includes, as one text ---- */

enum {
	CONF_FILE_MAX_BYTES = 16 << 20, /* with all it includes */
	CONF_INCLUDE_DEPTH = 10,
};

struct source_line {
	const char *file;
	unsigned line;
};

struct source {
	struct buf text;	   /* NUL behind its end */
	struct source_line *lines; /* one for each line of text */
	size_t count, size;
	struct list files; /* char *: the names that lines point to */
};

struct reader;

int source_read(struct reader *reader, const char *path) MUST_USE;
void source_clear(struct source *source);
/* Where line number at (from 1) of the text stands. */
struct source_line source_where(const struct source *source, unsigned at);

/* ---- lexer.c: the tokens of a configuration text ---- */

enum token_kind {
	TOKEN_END,
	TOKEN_STRING,	   /* with its quotes */
	TOKEN_OPEN_STRING, /* without the second quote */
	TOKEN_NUMBER,
	TOKEN_WORD,    /* a name, true, false */
	TOKEN_MARK,    /* one of = : ; , { } [ ] ( ) and everything else */
	TOKEN_INCLUDE, /* @include "..." at the start of a line */
};

struct token {
	enum token_kind kind;
	struct span text;
	unsigned line; /* where it begins */
};

struct lexer {
	const unsigned char *next, *end;
	unsigned line;
	bool line_start; /* only blanks so far */
};

struct token lexer_next(struct lexer *lexer);

/* ---- lint.c: what libconfig takes without a word, or without a good one -- */

/* Adds errors for traps; a sentence about a syntax error goes to hint. */
struct lint_hint {
	unsigned line; /* 0: none */
	const char *text;
	bool no_end; /* libconfig 1.5 loses memory over an open string */
};
void lint_text(struct reader *reader, struct lint_hint *hint);

/* ---- problem.c ---- */

/* A problem and the line of the text it stands on, to sort them. */
struct located {
	struct problem *problem;
	unsigned at;
};

void report_at(struct reader *reader, enum problem_kind kind, unsigned at,
	const char *format, ...) PRINTF_LIKE(4, 5);
#define report_error(reader, setting, ...)                                     \
	report_at(reader, PROBLEM_ERROR, line_of(setting), __VA_ARGS__)
#define report_warning(reader, setting, ...)                                   \
	report_at(reader, PROBLEM_WARNING, line_of(setting), __VA_ARGS__)
/* A problem in another file, such as the login map. */
void report_elsewhere(struct reader *reader, unsigned at, const char *file,
	unsigned line, const char *text);
/* 0: the setting is a default. */
unsigned line_of(const config_setting_t *setting);
/* The member's, or the group's own. */
unsigned line_of_member(const config_setting_t *group, const char *name);
bool has_error(const struct reader *reader);
/* Hand them over in the order of the file; true when one is an error. */
bool report_end(struct reader *reader, struct list *problems);

/* ---- the file as read so far ---- */

struct trust_draft;

struct reader {
	struct conf *conf;
	bool load_stores;
	struct source source;
	struct list located; /* struct located * */
	struct list stores;  /* struct store_draft * */
	struct list drafts;  /* struct rule_draft *: of all three lists */
	struct trust_draft *trust;
	size_t anchor_count;
};

/* Settings point into the libconfig tree, which lives as long as the reader. */
struct store_draft {
	const config_setting_t *at;
	char *name, *type, *path, *password_file;
	char *uri, *module, *base, *ca_file, *bind_dn, *filter;
	bool start_tls;
	struct list attributes; /* char * */
	unsigned timeout_seconds, cache_seconds, negative_cache_seconds;
	bool complete;	     /* may be opened */
	struct store *store; /* borrowed from the gateway; NULL: not opened */
};

/* A rule as written; used are the fields of its kind. */
struct rule_draft {
	const config_setting_t *at;
	const char *list;    /* "sign", "encrypt", "inbound" */
	struct rule rule;    /* moves to the gateway */
	struct rule *made;   /* where it is then */
	struct list stores;  /* char *: names; of inbound rules the keys */
	int when;	     /* sign = "when-encrypting" */
	int mode, otherwise; /* -1: not written */
	char *table;	     /* a path, or NULL */
	char *mode_store, *mode_attribute; /* mode_from; or NULL */
	enum { MODE_OF_DEFAULT, MODE_OF_RECIPIENT, MODE_OF_SENDER } mode_of;
	int locality;
	int bad_lines; /* table_bad_lines = "skip" */
	bool verify, legacy, strip_signature;
	int keys_for, weak_signatures; /* 1: "any", "pass" */
	char *harvest;		       /* a store's name, or NULL */
	enum otherwise undecryptable, bad_signature;
	char *certificate;
	enum smime_form form;
	enum crypto_digest digest;
	enum cms_scheme scheme;
	bool wanted;
	bool trusted;
	bool weak_keys;
	bool to_self;
	bool tnef;
	enum { ACCEPT_SMIME, ACCEPT_PGP } accept;
	enum cms_cipher cipher;
	enum cms_transport transport;
	enum crypto_digest oaep_digest;
};

/* ---- kinds.c: a kind of value, a function ---- */

struct conf_kind {
	const char *name; /* "a number", "yes or no" */
	void (*set)(struct reader *reader, const config_setting_t *setting,
		const struct conf_row *row, void *into);
	bool single; /* one value, which a second one replaces */
};

struct conf_word {
	const char *name;
	int value;
};

struct conf_range {
	unsigned least, most;
};

/* kinds.c, texts.c: by offset into the struct of the group */
extern const struct conf_kind kind_text, kind_any_text, kind_path, kind_number,
	kind_size, kind_yes_no, kind_word, kind_mode;
extern const struct conf_kind kind_texts, kind_paths, kind_patterns,
	kind_clients;
/* top.c, socket.c, stores.c, rules.c: settings that are at home there */
extern const struct conf_kind kind_log, kind_limits, kind_internal, kind_bcc,
	kind_login_map, kind_report, kind_leave_alone, kind_even_mandatory;
extern const struct conf_kind kind_mixed, kind_internal_copy, kind_reinject,
	kind_tnef_broken, kind_refuse_early;
extern const struct conf_kind kind_listen, kind_socket, kind_control,
	kind_control_socket;
extern const struct conf_kind kind_stores, kind_trust, kind_proxy;
extern const struct conf_kind kind_ca, kind_ca_templates, kind_domains,
	kind_usage, kind_url, kind_ca_delivery, kind_ca_publish;
extern const struct conf_kind kind_sign, kind_encrypt, kind_inbound;
/* triggers.c */
extern const struct conf_kind kind_trigger_header, kind_trigger_size,
	kind_trigger_bytes, kind_trigger_attachment, kind_trigger_text;
extern const struct conf_kind kind_mode_from;

/* "sign.digest", as words in a sentence. */
const char *row_label(const struct conf_row *row, char *space, size_t size);
enum { ROW_LABEL_SIZE = 80 };
/* "50M" or digits alone, in bytes; -1 when it is none. */
int parse_size(const char *text, unsigned long long *out);
/* Call visit with each string of an array, or the single one. */
void each_text(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into,
	void (*visit)(struct reader *reader, const config_setting_t *at,
		const char *text, void *into));

/* ---- group.c ---- */

/*
 * The settings of one group by the rows of `where`: unknown ones are errors,
 * required ones must be there, others get their default.  setting may be NULL.
 */
void group_read(struct reader *reader, const config_setting_t *setting,
	const char *where, void *into);
/* Was the one probably meant by the other? */
bool is_near(const char *a, const char *b);

/* Each group of a ( list ), or an error. */
void each_group(struct reader *reader, const config_setting_t *setting,
	const char *where,
	void (*visit)(struct reader *reader, const config_setting_t *at));

/* ---- top.c, stores.c, rules.c, check.c ---- */

struct limits_draft {
	size_t message, buffered;
	unsigned mails, mime_depth, mime_parts, cms_layers, encrypt_recipients,
		copies, header_fields, lookup_seconds, decrypt_failures,
		harvest_day, harvest_total;
	size_t tnef_unpacked;
	unsigned tnef_depth, tnef_attachments, tnef_people, tnef_properties,
		tnef_ratio;
};

/* Words are numbers first. */
struct ca_delivery_draft {
	struct ca_delivery delivery;
	int legacy, reinject;
};

struct trust_draft {
	const config_setting_t *at;
	struct list anchors, intermediates, crls; /* char * */
	int revocation;
	bool fetch_crls, fetch_private;
	char *proxy;
};

/* When the top level has been read: what they need of it is there. */
void stores_finish(struct reader *reader);
void stores_clear(struct reader *reader);
struct store_draft *stores_find(const struct reader *reader, const char *name);
/* authorities.c: when the stores are known. */
void authorities_finish(struct reader *reader, const config_setting_t *root);
/* ca_service.c: when everything else is known. */
void ca_service_finish(struct reader *reader, const config_setting_t *root);
void conf_publish_clear(struct conf_publish *publish);
/* reinject.c */
void reinject_finish(struct reader *reader, const config_setting_t *root);
/* One setting of a group that stands elsewhere; NULL: it was unknown. */
const struct conf_row *row_find(const char *where, const char *name);
/*
 * A draft becomes a rule of its list, owned by the caller: the draft's
 * patterns are the rule's then.
 */
void *rule_make(struct reader *reader, struct rule_draft *draft) MUST_USE;
void rule_free(const struct rule_draft *draft, void *rule);
/* Our own people need no protection where nothing else is said. */
void rule_imply_mode(struct rule_draft *draft);
/*
 * tables.c: the lines of draft->table into made->table, which is `whole`'s;
 * what they change becomes variants.
 */
void table_read(struct reader *reader, const struct rule_draft *draft,
	struct rule *made, void *whole, struct list *variants);
/* When the rule was made: what each answer of the directory makes of it. */
void mode_from_finish(struct reader *reader, const struct rule_draft *draft,
	struct rule *made, void *whole, struct list *variants,
	struct mode_from *mode_from);
void report_no_store(struct reader *reader, const struct rule_draft *draft,
	const char *setting, const char *name);
/* When everything has been read: names become stores, drafts rules. */
void rules_finish(struct reader *reader);
void rules_clear(struct reader *reader);
/* What no single setting of a trigger shows. */
void check_trigger(struct reader *reader, const struct rule_draft *draft);
/* order.c: what the rules above leave to this one. */
void check_rule_order(struct reader *reader, const struct rule_draft *draft);
/* What is risky, or cannot be what was meant, though each setting is good. */
void check_rules(struct reader *reader);
void check_listen(struct reader *reader, const config_setting_t *root);

#endif
