/*
 * An outcome becomes smfi_ calls: one burst, every return code looked at.
 */
#ifndef MILTER_EDITS_H
#define MILTER_EDITS_H

#include <libmilter/mfapi.h>

#include "gateway/gateway.h"

struct edits_envelope {
	const char *sender; /* as MAIL FROM had it, or NULL */
	const char *args;   /* what its ESMTP arguments become, or NULL */
	bool can_change;    /* SMFIF_CHGFROM was agreed on */
};

/*
 * What the end-of-message callback must return.  leading_blanks: the MTA
 * writes values as they are (SMFIP_HDR_LEADSPC).  When a call fails nothing
 * of the mail may go out: SMFIS_TEMPFAIL, and err says which call.
 */
sfsistat edits_send(SMFICTX *ctx, const struct outcome *outcome,
	const struct edits_envelope *envelope, bool leading_blanks,
	struct error *err);

/* The reply of what comes next: "550 5.7.1 words"; NULL: the MTA's own. */
void edits_set_reply(SMFICTX *ctx, const char *reply);

/*
 * The arguments of MAIL FROM (as libmilter has them, after the address) with
 * RET=HDRS; free with mem_free.  An MTA forgets what is not repeated; Postfix
 * remembers, and warns of what it does not expect.
 */
char *edits_return_headers(char **args, bool postfix) MUST_USE;

#endif
