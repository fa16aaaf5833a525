/*
 * Keys that stay on their token.  libp11 brings the operations; they are
 * wrapped here, so that none is under way while the library behind them is
 * started anew, and none is made with a handle from before that: the token
 * may have given its number to another key.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/opensslconf.h>

#include "store/pkcs11.h"

#if defined(HAVE_LIBP11) && !defined(OPENSSL_NO_ENGINE)

#include <libp11.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <pthread.h>

#include "crypto/crypto.h"

/* The operations of one kind of key, as libp11 has them and as we do. */
struct operations {
	int (*sign)(EVP_PKEY_CTX *context, unsigned char *signature,
		size_t *signature_len, const unsigned char *digest,
		size_t digest_len);
	int (*decrypt)(EVP_PKEY_CTX *context, unsigned char *out,
		size_t *out_len, const unsigned char *in, size_t in_len);
	int (*derive)(
		EVP_PKEY_CTX *context, unsigned char *key, size_t *key_len);
	EVP_PKEY_METHOD *wrapped;
};

static const int kinds[] = { EVP_PKEY_RSA, EVP_PKEY_EC };
enum { KINDS = 2 };

/* Made once, then only read. */
static struct {
	pthread_once_t once;
	struct operations of[KINDS];
	ENGINE *engine;
	int place; /* of the opening, at a key */
} made = { .once = PTHREAD_ONCE_INIT };

/*
 * Answers that mean the token and not the input, or it could be made to be
 * opened again and again by mails that cannot be decrypted (PKCS #11, CK_RV).
 */
static const unsigned long troubles[] = {
	0x03,  /* CKR_SLOT_ID_INVALID */
	0x30,  /* CKR_DEVICE_ERROR */
	0x32,  /* CKR_DEVICE_REMOVED */
	0x60,  /* CKR_KEY_HANDLE_INVALID */
	0x82,  /* CKR_OBJECT_HANDLE_INVALID */
	0xb0,  /* CKR_SESSION_CLOSED */
	0xb3,  /* CKR_SESSION_HANDLE_INVALID */
	0xe0,  /* CKR_TOKEN_NOT_PRESENT */
	0xe1,  /* CKR_TOKEN_NOT_RECOGNIZED */
	0x101, /* CKR_USER_NOT_LOGGED_IN */
	0x190, /* CKR_CRYPTOKI_NOT_INITIALIZED */
};

static bool
is_trouble(unsigned long code)
{
	if (ERR_GET_LIB(code) != ERR_get_CKR_code())
		return false;
	for (size_t i = 0; i < COUNT_OF(troubles); i++)
		if ((unsigned long)ERR_GET_REASON(code) == troubles[i])
			return true;
	return false;
}

static const struct operations *
operations_of(EVP_PKEY_CTX *context)
{
	int kind = EVP_PKEY_get_base_id(EVP_PKEY_CTX_get0_pkey(context));

	return &made.of[kind == EVP_PKEY_EC];
}

static struct token_opening *
enter(EVP_PKEY_CTX *context)
{
	const EVP_PKEY *key = EVP_PKEY_CTX_get0_pkey(context);
	struct token_opening *opening = EVP_PKEY_get_ex_data(key, made.place);

	if (opening != NULL && opening_enter(opening) == 0)
		return opening;
	ERR_raise(ERR_LIB_ENGINE, ENGINE_R_NOT_INITIALISED);
	return NULL;
}

/* The caller tells trouble from bad input by the library of the error. */
static void
leave(struct token_opening *opening, int result)
{
	bool trouble =
		result <= 0 && (is_trouble(ERR_peek_error()) ||
				       is_trouble(ERR_peek_last_error()));

	if (trouble)
		ERR_raise(ERR_LIB_ENGINE, ENGINE_R_NOT_INITIALISED);
	opening_leave(opening, trouble);
}

/*
 * libp11 would begin an operation and leave it open in a session that others
 * get then.
 */
static int
tell_size(EVP_PKEY_CTX *context, size_t *size)
{
	*size = (size_t)EVP_PKEY_get_size(EVP_PKEY_CTX_get0_pkey(context));
	return 1;
}

static int
sign(EVP_PKEY_CTX *context, unsigned char *signature, size_t *signature_len,
	const unsigned char *digest, size_t digest_len)
{
	struct token_opening *opening;
	int result;

	if (signature == NULL)
		return tell_size(context, signature_len);
	opening = enter(context);
	if (opening == NULL)
		return -1;
	result = operations_of(context)->sign(
		context, signature, signature_len, digest, digest_len);
	leave(opening, result);
	return result;
}

static int
decrypt(EVP_PKEY_CTX *context, unsigned char *out, size_t *out_len,
	const unsigned char *in, size_t in_len)
{
	struct token_opening *opening;
	int result;

	if (out == NULL)
		return tell_size(context, out_len);
	opening = enter(context);
	if (opening == NULL)
		return -1;
	result = operations_of(context)->decrypt(
		context, out, out_len, in, in_len);
	leave(opening, result);
	return result;
}

static int
derive(EVP_PKEY_CTX *context, unsigned char *key, size_t *key_len)
{
	struct token_opening *opening = enter(context);
	int result;

	if (opening == NULL)
		return -1;
	result = operations_of(context)->derive(context, key, key_len);
	leave(opening, result);
	return result;
}

static EVP_PKEY_METHOD *
wrap(int kind, struct operations *original)
{
	EVP_PKEY_METHOD *theirs = NULL, *ours;
	int (*init)(EVP_PKEY_CTX * context);

	if (PKCS11_pkey_meths(NULL, &theirs, NULL, kind) != 1 ||
		theirs == NULL || (ours = EVP_PKEY_meth_new(kind, 0)) == NULL)
		return NULL;
	EVP_PKEY_meth_copy(ours, theirs);
	EVP_PKEY_meth_get_sign(theirs, &init, &original->sign);
	if (original->sign != NULL)
		EVP_PKEY_meth_set_sign(ours, init, sign);
	EVP_PKEY_meth_get_decrypt(theirs, &init, &original->decrypt);
	if (original->decrypt != NULL)
		EVP_PKEY_meth_set_decrypt(ours, init, decrypt);
	EVP_PKEY_meth_get_derive(theirs, &init, &original->derive);
	if (original->derive != NULL)
		EVP_PKEY_meth_set_derive(ours, init, derive);
	return ours;
}

static int
give_methods(ENGINE *engine UNUSED, EVP_PKEY_METHOD **method, const int **nids,
	int nid)
{
	if (method == NULL) {
		*nids = kinds;
		return KINDS;
	}
	*method = NULL;
	for (int i = 0; i < KINDS; i++)
		if (kinds[i] == nid)
			*method = made.of[i].wrapped;
	return *method != NULL;
}

/* A key has gone: in whatever thread it was the last to be used in. */
static void
count_end(void *key UNUSED, void *opening, CRYPTO_EX_DATA *data UNUSED,
	int place UNUSED, long word UNUSED, void *self UNUSED)
{
	if (opening != NULL)
		opening_count(opening, -1);
}

static int
count_copy(CRYPTO_EX_DATA *to UNUSED, const CRYPTO_EX_DATA *from UNUSED,
	void **opening, int place UNUSED, long word UNUSED, void *self UNUSED)
{
	if (*opening != NULL)
		opening_count(*opening, 1);
	return 1;
}

/* It is in no list of OpenSSL's: nobody but our keys uses it. */
static void
make(void)
{
	ENGINE *engine = ENGINE_new();

	made.place =
		EVP_PKEY_get_ex_new_index(0, NULL, NULL, count_copy, count_end);
	for (int i = 0; i < KINDS; i++)
		made.of[i].wrapped = wrap(kinds[i], &made.of[i]);
	if (engine == NULL || made.place < 0 || made.of[0].wrapped == NULL ||
		made.of[1].wrapped == NULL ||
		ENGINE_set_id(engine, "smime-milter-tokens") != 1 ||
		ENGINE_set_name(engine, "keys on tokens") != 1 ||
		ENGINE_set_pkey_meths(engine, give_methods) != 1) {
		ENGINE_free(engine);
		return;
	}
	made.engine = engine;
}

bool
engine_is_here(void)
{
	return true;
}

/* libp11 keeps its own until the end: who uses ours is counted. */
static int
copy_into(EVP_PKEY *copy, EVP_PKEY *key)
{
	RSA *rsa;
	EC_KEY *ec;
	int set = 0;

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		rsa = EVP_PKEY_get1_RSA(key);
		set = rsa != NULL && EVP_PKEY_set1_RSA(copy, rsa) == 1;
		RSA_free(rsa);
		break;
	case EVP_PKEY_EC:
		ec = EVP_PKEY_get1_EC_KEY(key);
		set = ec != NULL && EVP_PKEY_set1_EC_KEY(copy, ec) == 1;
		EC_KEY_free(ec);
		break;
	}
	return set;
}

int
engine_adopt(EVP_PKEY *key, struct token_opening *opening, EVP_PKEY **out,
	struct error *err)
{
	EVP_PKEY *copy = EVP_PKEY_new();

	pthread_once(&made.once, make);
	if (made.engine == NULL || copy == NULL || !copy_into(copy, key) ||
		EVP_PKEY_set_ex_data(copy, made.place, opening) != 1)
		goto fail;
	opening_count(opening, 1);
	if (EVP_PKEY_set1_engine(copy, made.engine) != 1)
		goto fail;
	*out = copy;
	return 0;
fail:
	EVP_PKEY_free(copy);
	return crypto_fail(
		err, ERROR_SYSTEM, "OpenSSL does not take a token's key");
}

#else

bool
engine_is_here(void)
{
	return false;
}

int
engine_adopt(EVP_PKEY *key UNUSED, struct token_opening *opening UNUSED,
	EVP_PKEY **out UNUSED, struct error *err)
{
	return error_set(err, ERROR_CONFIG, "this program has no libp11");
}

#endif
