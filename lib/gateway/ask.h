/* What is found for a recipient at RCPT, for the end of the mail. */
#ifndef GATEWAY_ASK_H
#define GATEWAY_ASK_H

#include "gateway/internal.h"

/* What was found for a recipient by his rule; owned by his path. */
struct recipient_answer {
	const struct encrypt_rule *rule;
	struct cert *cert;
	struct error remark; /* about the certificate, of kind NONE */
};
void recipient_answer_free(struct recipient_answer *answer);
/* As choose_cert(), of somebody whose rule this is. */
int plan_choose_by_rule(const struct gateway *gateway,
	const struct encrypt_rule *rule, const struct address *recipient,
	int64_t deadline_ms, struct list *candidates, struct cert **out,
	struct error *err) MUST_USE;

/* Can a mail be such that a rule that must be kept leaves it in clear? */
bool special_may_leave_clear(const struct gateway *gateway);

#endif
