/* Serialized stores (SST) of every kind, good, odd and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"

/*
 * A store is written as a word, a letter a piece:
 *   H header  E end marker
 *   A alice  B bob  D dave  L a revocation list  T a trust list
 *   a, l the same with bytes that cannot be parsed
 *   p a hash  n a name  0 a property without bytes  u one of the user's own
 *   e alice in another encoding  q a property in another encoding
 *   + alice and three bytes more  > a length past the end
 *   i an id that is too large  h the first half of an element's head
 *   z four zero bytes  g three bytes of something
 */
static const struct piece {
	char letter;
	uint32_t id, encoding;
	const char *file; /* of the PKI or, with "own/", of our folder */
	const char *bytes;
	size_t len, more; /* more: what is added to the length that is said */
} pieces[] = {
	{ 'A', 32, 1, "alice.der", NULL, 0, 0 },
	{ 'B', 32, 1, "bob.der", NULL, 0, 0 },
	{ 'D', 32, 1, "dave.der", NULL, 0, 0 },
	{ 'L', 33, 1, "own/ca.crl", NULL, 0, 0 },
	{ 'T', 34, 1, NULL, "\x30\x03\x02\x01\x01", 5, 0 },
	{ 'a', 32, 1, NULL, "\x30\x03\x02\x01\x01", 5, 0 },
	{ 'l', 33, 1, NULL, "", 0, 0 },
	{ 'p', 3, 1, NULL, "01234567890123456789", 20, 0 },
	{ 'n', 11, 1, NULL, "J\0\xf6\0\0\0", 6, 0 },
	{ '0', 126, 1, NULL, "", 0, 0 },
	{ 'u', 0xffff, 1, NULL, "own", 3, 0 },
	{ 'e', 32, 2, "alice.der", NULL, 0, 0 },
	{ 'q', 3, 0, NULL, "01234567890123456789", 20, 0 },
	{ '+', 32, 1, "own/more.der", NULL, 0, 0 },
	{ '>', 32, 1, "bob.der", NULL, 0, 0xfffff000 },
	{ 'i', 0x10000, 1, NULL, "", 0, 0 },
};

static const struct {
	char letter;
	const char *bytes;
	size_t len;
} raw[] = {
	{ 'H', "\0\0\0\0CERT", 8 },
	{ 'V', "\1\0\0\0CERT", 8 },
	{ 'Y', "\0\0\0\0CERF", 8 },
	{ 'E', "\0\0\0\0\0\0\0\0\0\0\0\0", 12 },
	{ 'h', "\x20\0\0\0\1\0", 6 },
	{ 'z', "\0\0\0", 4 },
	{ 'g', "abc", 3 },
};

static void
add(struct buf *out, const void *bytes, size_t len)
{
	assert_int_equal(buf_add(out, bytes, len, NULL), 0);
}

static void
add_number(struct buf *out, uint32_t number)
{
	const unsigned char bytes[] = { (unsigned char)number,
		(unsigned char)(number >> 8), (unsigned char)(number >> 16),
		(unsigned char)(number >> 24) };

	add(out, bytes, sizeof(bytes));
}

static void
add_piece(struct buf *out, const struct piece *piece)
{
	struct buf content = { 0 };

	if (piece->file == NULL)
		add(&content, piece->bytes, piece->len);
	else if (strncmp(piece->file, "own/", 4) == 0)
		read_path(own_path(piece->file + 4), &content);
	else
		read_path(pki_path(piece->file), &content);
	add_number(out, piece->id);
	add_number(out, piece->encoding);
	add_number(out, (uint32_t)(content.len + piece->more));
	if (content.len != 0)
		add(out, content.data, content.len);
	buf_clear(&content);
}

static void
write_store(const char *word, struct buf *out)
{
	for (; *word != '\0'; word++) {
		for (size_t i = 0; i < COUNT_OF(pieces); i++)
			if (pieces[i].letter == *word)
				add_piece(out, &pieces[i]);
		for (size_t i = 0; i < COUNT_OF(raw); i++)
			if (raw[i].letter == *word)
				add(out, raw[i].bytes, raw[i].len);
	}
}

static int
prepare(void **state UNUSED)
{
	own_run("printf '[ca]\\ndefault_ca=u\\n[u]\\ndatabase=i\\n"
		"default_md=sha256\\n' >c && : >i && openssl ca -gencrl "
		"-config c -cert $P/ca.pem -keyfile $P/ca.key -crldays 30 | "
		"openssl crl -outform DER -out ca.crl && "
		"(cat $P/alice.der; printf abc) >more.der");
	return 0;
}

struct read {
	struct list certs, crls, warnings;
	size_t keys;
};

static void
read_clear(struct read *read)
{
	list_clear(&read->certs, cert_unref);
	list_clear(&read->crls, cert_crl_free);
	list_clear(&read->warnings, mem_free);
}

static int
read_store(struct span bytes, const struct cert_limits *limits,
	struct read *out, struct error *err)
{
	struct cert_pile *pile = cert_pile_new(limits);
	struct cert_file file = { .bytes = bytes, .source = "here" };
	int result;

	*out = (struct read){ 0 };
	result = cert_pile_read(pile, &file, &out->keys, err);
	cert_pile_take_crls(pile, &out->crls);
	cert_pile_take(pile, &out->certs, &out->warnings);
	cert_pile_free(pile);
	return result;
}

struct row {
	const char *label, *store;
	size_t certs, crls;
	const char *warning; /* NULL: there must be none */
};

static const struct row good[] = {
	{ "one certificate", "HAE", 1, 0, NULL },
	{ "properties before each", "HpnADpBE", 3, 0, NULL },
	{ "a property without bytes, first", "H0pAE", 1, 0, NULL },
	{ "a property without bytes, last of its group", "HAp0BE", 2, 0, NULL },
	{ "a property nobody knows", "HuAuBE", 2, 0, NULL },
	{ "a revocation list", "HpALE", 1, 1, NULL },
	{ "a revocation list alone", "HLE", 0, 1, NULL },
	{ "a trust list, ignored", "HTAE", 1, 0, NULL },
	{ "nothing", "HE", 0, 0, NULL },
};

static const struct row odd[] = {
	{ "zeros behind the end", "HAEzzz", 1, 0, NULL },
	{ "half an end marker", "HAzz", 1, 0, NULL },
	{ "a property of nothing, at the end", "HApE", 1, 0, NULL },
	{ "the same twice", "HAAE", 1, 0, NULL },
	{ "something behind the end", "HAEg", 1, 0, "3 bytes behind its end" },
	{ "no end marker", "HAB", 2, 0, "its end marker is missing" },
	{ "a certificate nobody can read", "HApaBE", 2, 0,
		"here: a certificate that cannot be parsed was skipped" },
	{ "a list nobody can read", "HAlBE", 2, 0,
		"a revocation list that cannot be parsed was skipped" },
	{ "bytes behind a certificate", "H+BE", 2, 0,
		"3 bytes behind its end" },
	{ "another encoding", "HeBE", 1, 0,
		"an element (32) in encoding 2, which is not known" },
	{ "a property in another encoding", "HqBE", 1, 0,
		"an element (3) in encoding 0" },
	{ "a length past the end", "HA>", 1, 0, "cut short at byte" },
	{ "an id too large", "HAiBE", 1, 0, "damaged or cut short at byte" },
	{ "half an element's head", "HAh", 1, 0, "cut short at byte" },
	{ "the registry's own form", "pn0A", 1, 0, NULL },
	{ "the same without properties", "A", 1, 0, NULL },
	{ "the same with zeros behind", "pAz", 1, 0, NULL },
};

static void
check_row(const struct row *row)
{
	struct buf bytes = { 0 };
	struct error err = { 0 };
	struct read read;

	write_store(row->store, &bytes);
	if (read_store(buf_span(&bytes), NULL, &read, &err) != 0)
		fail_msg("%s: %s", row->label, err.text);
	if (read.certs.count != row->certs || read.crls.count != row->crls ||
		read.keys != 0)
		fail_msg("%s: %zu certificates and %zu lists", row->label,
			read.certs.count, read.crls.count);
	if (row->warning == NULL && read.warnings.count != 0)
		fail_msg("%s: %s", row->label, (char *)read.warnings.item[0]);
	if (row->warning != NULL &&
		(read.warnings.count != 1 ||
			!list_has(&read.warnings, row->warning)))
		fail_msg("%s: %zu warnings, %s", row->label,
			read.warnings.count,
			read.warnings.count ? (char *)read.warnings.item[0]
					    : "none");
	read_clear(&read);
	buf_clear(&bytes);
}

static void
every_item_of_a_serialized_store_is_read(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(good); i++)
		check_row(&good[i]);
}

static void
damage_costs_only_what_it_hits(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		check_row(&odd[i]);
}

static const struct {
	const char *label, *store, *says;
	struct cert_limits limits; /* 0: the usual one */
	enum error_kind kind;
} refused[] = {
	{ "a later version", "VAE",
		"here: a serialized store (SST) of version 1, which is not "
		"known",
		{ 0 }, ERROR_FORMAT },
	{ "another type", "YAE",
		"here: a serialized store (SST) of type 46524543, which is not "
		"known",
		{ 0 }, ERROR_FORMAT },
	{ "only what cannot be parsed", "HaE",
		"here: holds no certificate that can be read", { 0 },
		ERROR_FORMAT },
	{ "only a trust list", "HTE", "holds no certificate", { 0 },
		ERROR_FORMAT },
	{ "cut short before anything", "H>", "holds no certificate", { 0 },
		ERROR_FORMAT },
	{ "a header alone", "H", "holds no certificate", { 0 }, ERROR_FORMAT },
	{ "two items without header", "AB", "neither PEM nor", { 0 },
		ERROR_FORMAT },
	{ "an item without header, cut short", "p>", "neither PEM nor", { 0 },
		ERROR_FORMAT },
	{ "a property alone", "p", "neither PEM nor", { 0 }, ERROR_FORMAT },
	{ "too many certificates", "HABDE", "more than 2 certificates and keys",
		{ .items = 2 }, ERROR_LIMIT },
	{ "too many lists", "HLLE", "more than 1 revocation lists",
		{ .crls = 1 }, ERROR_LIMIT },
	{ "too large", "HABDE", "more than 1000 bytes", { .file_bytes = 1000 },
		ERROR_LIMIT },
};

static void
what_is_no_usable_store_is_refused(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct cert_limits limits = cert_limits_default;
		struct buf bytes = { 0 };
		struct error err = { 0 };
		struct read read;

		if (refused[i].limits.items != 0)
			limits.items = refused[i].limits.items;
		if (refused[i].limits.crls != 0)
			limits.crls = refused[i].limits.crls;
		if (refused[i].limits.file_bytes != 0)
			limits.file_bytes = refused[i].limits.file_bytes;
		write_store(refused[i].store, &bytes);
		if (read_store(buf_span(&bytes), &limits, &read, &err) == 0)
			fail_msg("%s: was not refused", refused[i].label);
		assert_int_equal(err.kind, refused[i].kind);
		assert_says(refused[i].label, err.text, refused[i].says);
		assert_int_equal(read.certs.count + read.crls.count, 0);
		read_clear(&read);
		buf_clear(&bytes);
	}
}

/* An empty store is in order, but no certificate is in it. */
static void
an_empty_store_holds_no_certificate(void **state UNUSED)
{
	struct list certs = { 0 }, warnings = { 0 };
	struct buf bytes = { 0 };
	struct error err = { 0 };

	write_store("HE", &bytes);
	assert_int_equal(cert_load(buf_span(&bytes), NULL, "here", NULL, &certs,
				 &warnings, &err),
		-1);
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_says("empty", err.text, "holds no certificate");
	buf_clear(&bytes);
}

/* Text whose letters 5 to 8 happen to be those of the type. */
static void
text_is_not_taken_for_a_store(void **state UNUSED)
{
	struct loaded loaded;

	own_run("(echo 'The CERT of alice'; cat $P/alice.pem) >text.pem");
	load_path(own_path("text.pem"), NULL, &loaded);
	assert_int_equal(loaded.certs.count, 1);
	assert_int_equal(loaded.warnings.count, 0);
	loaded_clear(&loaded);
}

/* Cut anywhere: what stood before is there, and that it was cut is said. */
static void
a_store_may_end_anywhere(void **state UNUSED)
{
	struct buf bytes = { 0 };
	size_t before = 0, whole;

	write_store("HpAnLB", &bytes);
	whole = bytes.len;
	write_store("E", &bytes);
	for (size_t len = 0; len < whole + 4; len++) {
		struct error err = { 0 };
		struct read read;
		int result =
			read_store(span_of(bytes.data, len), NULL, &read, &err);
		size_t found = read.certs.count + read.crls.count;

		if (result == 0 ? !list_has(&read.warnings, "cut short")
				: err.kind != ERROR_FORMAT)
			fail_msg("%zu bytes: %s", len, err.text);
		assert_true(found >= before && (found == 0) == (result != 0));
		before = found;
		read_clear(&read);
	}
	assert_int_equal(before, 3);
	buf_clear(&bytes);
}

/* 5,000 broken certificates are not worth 5,000 lines in a log. */
static void
a_flood_of_damage_is_said_once(void **state UNUSED)
{
	struct buf bytes = { 0 };
	struct read read;

	write_store("HA", &bytes);
	for (size_t i = 0; i < 5000; i++)
		write_store("a", &bytes);
	write_store("E", &bytes);
	assert_int_equal(read_store(buf_span(&bytes), NULL, &read, NULL), 0);
	assert_int_equal(read.certs.count, 1);
	assert_in_range(read.warnings.count, 1, 200);
	assert_true(list_has(&read.warnings, "here: more is wrong with it"));
	read_clear(&read);
	buf_clear(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_item_of_a_serialized_store_is_read),
		cmocka_unit_test(damage_costs_only_what_it_hits),
		cmocka_unit_test(what_is_no_usable_store_is_refused),
		cmocka_unit_test(an_empty_store_holds_no_certificate),
		cmocka_unit_test(text_is_not_taken_for_a_store),
		cmocka_unit_test(a_store_may_end_anywhere),
		cmocka_unit_test(a_flood_of_damage_is_said_once),
	};

	return cmocka_run_group_tests(tests, prepare, NULL);
}
