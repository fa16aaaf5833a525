/*
 * An outcome becomes smfi_ calls: one burst, every return code looked at.
 */
#ifndef MILTER_EDITS_H
#define MILTER_EDITS_H

#include <libmilter/mfapi.h>

#include "gateway/gateway.h"

/*
 * What the end-of-message callback must return.  leading_blanks: the MTA
 * writes values as they are (SMFIP_HDR_LEADSPC).  When a call fails nothing
 * of the mail may go out: SMFIS_TEMPFAIL, and err says which call.
 */
sfsistat edits_send(SMFICTX *ctx, const struct outcome *outcome,
	bool leading_blanks, struct error *err);

#endif
