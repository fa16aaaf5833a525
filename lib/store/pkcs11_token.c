/*
 * What is on a token, through libp11.  The library that a card or HSM comes
 * with exists once in a process; all calls here are made while nobody else
 * uses it (pkcs11_module.c).
 */
#include "store/pkcs11.h"

#ifdef HAVE_LIBP11

#include <libp11.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/crypto.h"

struct token_slots {
	PKCS11_CTX *context;
	PKCS11_SLOT *slot;
	unsigned count;
	UI_METHOD *nobody;
	bool loaded;
};

/* Answers of C_Login that are about the PIN (PKCS #11, CK_RV). */
static const struct {
	unsigned long code;
	const char *words;
} refusals[] = {
	{ 0xa0, "the PIN in password_file is wrong; it is not tried again" },
	{ 0xa1, "the PIN in password_file has characters that no PIN has" },
	{ 0xa2, "the PIN in password_file is too long or too short" },
	{ 0xa3, "the PIN has expired" },
	{ 0xa4, "the PIN is locked after too many wrong ones" },
	{ 0x102, "no PIN has been set on the token yet" },
};

/*
 * What the token answered, and not what its library left in the queue of
 * OpenSSL on the way.
 */
static int
token_fail(struct error *err, const char *what, const char *words)
{
	unsigned long code;

	while ((code = ERR_peek_error()) != 0 &&
		ERR_GET_LIB(code) != ERR_get_CKR_code())
		ERR_get_error();
	return crypto_fail(err, ERROR_SYSTEM, "%s: %s", what, words);
}

/* A PIN comes from a file: where libp11 would ask for one, nobody answers. */
static int
answer_nothing(UI *ui UNUSED)
{
	return 0;
}

static int
load(struct token_slots *slots, const char *path, struct error *err)
{
	slots->context = PKCS11_CTX_new();
	slots->nobody = UI_create_method("nobody");
	if (slots->context == NULL || slots->nobody == NULL)
		return crypto_fail(err, ERROR_SYSTEM, "no memory for a token");
	UI_method_set_opener(slots->nobody, answer_nothing);
	PKCS11_set_ui_method(slots->context, slots->nobody, NULL);
	if (PKCS11_CTX_load(slots->context, path) != 0)
		return crypto_fail(
			err, ERROR_SYSTEM, "module %s cannot be started", path);
	slots->loaded = true;
	if (PKCS11_enumerate_slots(
		    slots->context, &slots->slot, &slots->count) != 0)
		return token_fail(
			err, path, "the module does not say what slots it has");
	return 0;
}

int
slots_open(const char *path, struct token_slots **out, struct error *err)
{
	struct token_slots *slots = mem_alloc(sizeof(*slots));

	crypto_begin();
	if (load(slots, path, err) != 0) {
		slots_end(slots);
		slots_free(slots);
		return -1;
	}
	crypto_begin();
	*out = slots;
	return 0;
}

void
slots_end(struct token_slots *slots)
{
	if (slots->loaded)
		PKCS11_CTX_unload(slots->context);
	slots->loaded = false;
	crypto_begin();
}

void
slots_free(struct token_slots *slots)
{
	if (slots == NULL)
		return;
	if (slots->slot != NULL)
		PKCS11_release_all_slots(
			slots->context, slots->slot, slots->count);
	if (slots->loaded)
		PKCS11_CTX_unload(slots->context);
	if (slots->context != NULL)
		PKCS11_CTX_free(slots->context);
	if (slots->nobody != NULL)
		UI_destroy_method(slots->nobody);
	mem_free(slots);
	crypto_begin();
}

/* libp11 says goodbye to the library for each slot, so it has to be there. */
void
slots_free_ended(struct token_slots *slots, const char *path)
{
	/* It writes over these. */
	OPENSSL_free(slots->context->manufacturer);
	OPENSSL_free(slots->context->description);
	slots->context->manufacturer = slots->context->description = NULL;
	slots->loaded = PKCS11_CTX_load(slots->context, path) == 0;
	crypto_begin();
	if (slots->loaded)
		slots_free(slots);
}

/* ---- which token? ---- */

static bool
is_same(const char *wanted, const char *found)
{
	return wanted == NULL || (found != NULL && strcmp(wanted, found) == 0);
}

static bool
is_wanted(const struct token_uri *uri, PKCS11_SLOT *slot)
{
	const PKCS11_TOKEN *token = slot->token;
	char number[24];

	if (token == NULL || !token->initialized)
		return false;
	snprintf(number, sizeof(number), "%lu",
		PKCS11_get_slotid_from_slot(slot));
	return is_same(uri->token, token->label) &&
	       is_same(uri->manufacturer, token->manufacturer) &&
	       is_same(uri->model, token->model) &&
	       is_same(uri->serial, token->serialnr) &&
	       is_same(uri->slot, number);
}

static int
find_slot(struct token_slots *slots, const struct token_uri *uri,
	PKCS11_SLOT **out, struct error *err)
{
	*out = NULL;
	for (unsigned i = 0; i < slots->count; i++) {
		if (!is_wanted(uri, &slots->slot[i]))
			continue;
		if (*out != NULL)
			return error_set(err, ERROR_CONFIG,
				"%s fits more than one token: serial or "
				"slot-id tells them apart",
				uri->text);
		*out = &slots->slot[i];
	}
	if (*out == NULL)
		return error_set(err, ERROR_SYSTEM, "%s: no such token is here",
			uri->text);
	return 0;
}

/* ---- logging in: once, and never with the last try ---- */

static int
refused(const struct token *token, const char *words, struct error *err)
{
	crypto_begin();
	error_set(err, ERROR_CONFIG, "%s: %s", token->uri.text, words);
	err->refused = true;
	return -1;
}

static int
login_failed(const struct token *token, struct error *err)
{
	unsigned long code = ERR_peek_last_error();

	for (size_t i = 0; ERR_GET_LIB(code) == ERR_get_CKR_code() &&
			   i < COUNT_OF(refusals);
		i++)
		if (refusals[i].code == (unsigned long)ERR_GET_REASON(code))
			return refused(token, refusals[i].words, err);
	return token_fail(err, token->uri.text, "cannot log in");
}

static int
log_in(const struct token *token, PKCS11_SLOT *slot, struct error *err)
{
	const char *uri = token->uri.text;
	int already = 0;

	if (!slot->token->loginRequired ||
		(PKCS11_is_logged_in(slot, 0, &already) == 0 && already))
		return 0;
	if (token->pin == NULL)
		return error_set(err, ERROR_CONFIG,
			"%s: the token wants a PIN (password_file)", uri);
	if (slot->token->userPinLocked)
		return refused(token,
			"the PIN is locked after too many wrong ones", err);
	if (slot->token->userPinFinalTry)
		return refused(token,
			"one more wrong PIN locks it, so none is tried: log "
			"in once by hand",
			err);
	crypto_begin();
	if (PKCS11_login(slot, 0, token->pin) != 0)
		return login_failed(token, err);
	return 0;
}

/* ---- what is there ---- */

struct reading_token {
	struct token *token;
	struct token_opening *opening;
	PKCS11_SLOT *slot;
	struct cert_pile *pile;
	struct list wanted; /* X509 * */
};

static char *
name_of(const struct reading_token *in, const char *label)
{
	return mem_printf("pkcs11:token=%s;object=%s", in->slot->token->label,
		label != NULL ? label : "");
}

static int
read_certs(struct reading_token *in, struct error *err)
{
	PKCS11_CERT *cert = NULL;
	unsigned count = 0;

	if (PKCS11_enumerate_certs(in->slot->token, &cert, &count) != 0)
		return token_fail(err, in->token->uri.text,
			"its certificates cannot be read");
	for (unsigned i = 0; i < count; i++) {
		char *name;
		int added;

		if (cert[i].x509 == NULL || X509_up_ref(cert[i].x509) != 1)
			continue;
		if (token_uri_picks(&in->token->uri, cert[i].label, cert[i].id,
			    cert[i].id_len) &&
			X509_up_ref(cert[i].x509) == 1)
			list_add(&in->wanted, cert[i].x509);
		name = name_of(in, cert[i].label);
		added = cert_pile_add(in->pile, cert[i].x509, NULL, name, err);
		mem_free(name);
		if (added != 0)
			return -1;
	}
	return 0;
}

static int
read_keys(struct reading_token *in, struct error *err)
{
	PKCS11_KEY *key = NULL;
	unsigned count = 0;

	if (PKCS11_enumerate_keys(in->slot->token, &key, &count) != 0)
		return token_fail(
			err, in->token->uri.text, "its keys cannot be listed");
	for (unsigned i = 0; i < count; i++) {
		EVP_PKEY *theirs = PKCS11_get_private_key(&key[i]);
		EVP_PKEY *ours = NULL;
		char *name;
		int added;

		if (theirs == NULL) /* of a kind that libp11 does not know */
			continue;
		added = engine_adopt(theirs, in->opening, &ours, err);
		EVP_PKEY_free(theirs);
		if (added != 0)
			return -1;
		name = name_of(in, key[i].label);
		added = cert_pile_add(in->pile, NULL, ours, name, err);
		mem_free(name);
		if (added != 0)
			return -1;
	}
	return 0;
}

static void
free_x509(void *x509)
{
	X509_free(x509);
}

int
slots_read(struct token_slots *slots, struct token *token,
	struct token_opening *opening, struct list *warnings, struct error *err)
{
	struct reading_token in = { .token = token,
		.opening = opening,
		.pile = cert_pile_new(&cert_limits_default) };
	int result = -1;

	crypto_begin();
	if (find_slot(slots, &token->uri, &in.slot, err) != 0 ||
		log_in(token, in.slot, err) != 0 || read_certs(&in, err) != 0 ||
		read_keys(&in, err) != 0)
		goto out;
	token_keep(token, in.pile, &in.wanted, warnings);
	result = 0;
out:
	list_clear(&in.wanted, free_x509);
	cert_pile_free(in.pile);
	crypto_begin();
	return result;
}

#else

int
slots_open(const char *path UNUSED, struct token_slots **out, struct error *err)
{
	*out = NULL;
	return error_set(
		err, ERROR_CONFIG, "this program was built without libp11");
}

void
slots_end(struct token_slots *slots UNUSED)
{
}

void
slots_free(struct token_slots *slots UNUSED)
{
}

void
slots_free_ended(struct token_slots *slots UNUSED, const char *path UNUSED)
{
}

int
slots_read(struct token_slots *slots UNUSED, struct token *token UNUSED,
	struct token_opening *opening UNUSED, struct list *warnings UNUSED,
	struct error *err)
{
	return error_set(err, ERROR_CONFIG, "built without libp11");
}

#endif
