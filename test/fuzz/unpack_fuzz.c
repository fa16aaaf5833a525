/*
 * Any bytes as a winmail.dat, or as a mail with one: what comes out of the
 * first, unless something of it is kept, is fit to be signed; and a mail in
 * which nothing is found is not made anew.
 */
#include <string.h>

#include "gateway/unpack.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* As it stands, or because only text looks as if it were not. */
static void
must_be_fit(struct span entity)
{
	struct mime_rewrite report;
	struct buf again = { 0 };

	if (mime_is_fit(entity))
		return;
	MUST(mime_make_fit(entity, NULL, &again, &report, NULL) == 0);
	MUST(report.residue == 0);
	MUST(span_equal(buf_span(&again), entity));
	buf_clear(&again);
}

static const struct gateway_limits limits = {
	.mime = { .depth = 10, .parts = 100 },
	.tnef = { .depth = 4,
		.attachments = 20,
		.people = 50,
		.properties = 2000,
		.made_bytes = 1 << 20,
		.ratio = 16 },
};

static void
unpack(struct span entity, enum tnef_broken broken, bool whole)
{
	struct gateway gateway = { .limits = limits, .tnef_broken = broken };
	struct outcome outcome = { 0 };
	struct error err = { 0 };
	struct buf out = { 0 };

	MUST(unpack_entity(&gateway, entity, &out, &outcome, NULL, &err) == 0);
	if (whole && outcome.note == NULL && out.len != 0)
		must_be_fit(buf_span(&out));
	if (whole && out.len == 0)
		MUST(outcome.note != NULL);
	if (broken == TNEF_BROKEN_INSTEAD && whole)
		MUST((outcome.note == NULL) == (out.len != 0));
	outcome_clear(&outcome);
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static bool begun;
	struct buf entity = { 0 };

	if (!begun)
		mime_compose_init();
	begun = true;
	unpack(span_of(data, size), TNEF_BROKEN_BESIDE, false);
	MUST(buf_add_string(&entity,
		     "Content-Type: application/ms-tnef\r\n\r\n", NULL) == 0 &&
		buf_add(&entity, data, size, NULL) == 0);
	unpack(buf_span(&entity), TNEF_BROKEN_BESIDE, true);
	unpack(buf_span(&entity), TNEF_BROKEN_INSTEAD, true);
	buf_clear(&entity);
	return 0;
}
