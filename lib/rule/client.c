/* Where a mail comes from, and who that lets in. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "rule/internal.h"

enum { ADDRESS_BITS = 128, MAPPED_BITS = 96 };

void
client_clear(struct client *client)
{
	mem_free(client->login);
	*client = (struct client){ 0 };
}

bool
client_has_login(const struct client *client)
{
	return client->login != NULL && client->login[0] != '\0';
}

/* Either family as IPv6; *first_bit is where the prefix starts to count. */
static int
parse_ip(const char *text, struct in6_addr *ip, unsigned *first_bit)
{
	struct in_addr v4;

	if (inet_pton(AF_INET6, text, ip) == 1) {
		*first_bit = 0;
		return 0;
	}
	if (inet_pton(AF_INET, text, &v4) != 1)
		return -1;
	*ip = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(&ip->s6_addr[12], &v4, sizeof(v4));
	*first_bit = MAPPED_BITS;
	return 0;
}

/* "/24", or nothing: a single address. */
static int
parse_bits(const char *text, unsigned first_bit, unsigned *bits)
{
	unsigned value = 0;

	if (text == NULL) {
		*bits = ADDRESS_BITS;
		return 0;
	}
	if (text[0] == '\0' || strlen(text) > 3)
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (unsigned)(*text - '0');
	}
	if (value > ADDRESS_BITS - first_bit)
		return -1;
	*bits = first_bit + value;
	return 0;
}

static bool
same_network(const struct in6_addr *a, const struct in6_addr *b, unsigned bits)
{
	unsigned rest = bits % 8;
	unsigned char mask = (unsigned char)(0xff00 >> rest);

	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return rest == 0 ||
	       ((a->s6_addr[bits / 8] ^ b->s6_addr[bits / 8]) & mask) == 0;
}

static bool
has_bits_beyond(const struct in6_addr *ip, unsigned bits)
{
	for (unsigned bit = bits; bit < ADDRESS_BITS; bit++)
		if (ip->s6_addr[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

static int
parse_network(
	const char *text, struct client_condition *condition, struct error *err)
{
	char ip[INET6_ADDRSTRLEN];
	const char *slash = strchrnul(text, '/');
	unsigned first_bit;

	if ((size_t)(slash - text) >= sizeof(ip))
		return error_set(err, ERROR_CONFIG,
			"\"%s\" is no address of a client", text);
	memcpy(ip, text, (size_t)(slash - text));
	ip[slash - text] = '\0';
	if (parse_ip(ip, &condition->network, &first_bit) != 0)
		return error_set(err, ERROR_CONFIG,
			"\"%s\" is no client: write \"authenticated\", "
			"\"local\", an address or a network such as "
			"\"192.0.2.0/24\"",
			text);
	if (parse_bits(*slash ? slash + 1 : NULL, first_bit,
		    &condition->prefix_bits) != 0)
		return error_set(err, ERROR_CONFIG,
			"\"%s\": the prefix is a number of bits from 0 to %u",
			text, ADDRESS_BITS - first_bit);
	if (has_bits_beyond(&condition->network, condition->prefix_bits))
		return error_set(err, ERROR_CONFIG,
			"\"%s\": the address has bits behind its prefix; is "
			"it an address or a network?",
			text);
	return 0;
}

int
client_condition_new(
	const char *text, struct client_condition **out, struct error *err)
{
	struct client_condition condition = { .kind = CLIENT_NETWORK };

	if (strcmp(text, "authenticated") == 0)
		condition.kind = CLIENT_AUTHENTICATED;
	else if (strcmp(text, "local") == 0)
		condition.kind = CLIENT_LOCAL;
	else if (parse_network(text, &condition, err) != 0)
		return -1;
	*out = mem_alloc(sizeof(**out));
	**out = condition;
	return 0;
}

static bool
is_from(const struct client *client, const struct client_condition *condition)
{
	if (client->family == 0 || client->local)
		return false;
	/* ::/0 is everybody who speaks IPv6, and not all of IPv4 as well. */
	if (IN6_IS_ADDR_V4MAPPED(&client->ip) &&
		condition->prefix_bits < MAPPED_BITS)
		return false;
	return same_network(
		&client->ip, &condition->network, condition->prefix_bits);
}

static bool
admits(const struct client_condition *condition, const struct client *client)
{
	switch (condition->kind) {
	case CLIENT_AUTHENTICATED:
		return client_has_login(client);
	case CLIENT_LOCAL:
		return client->local;
	case CLIENT_NETWORK:
		return is_from(client, condition);
	}
	return false;
}

/*
 * Who logged in from a named address is admitted by the login, wherever that
 * stands in the list: it asks for more.
 */
const struct client_condition *
client_admitted(const struct list *conditions, const struct client *client)
{
	const struct client_condition *condition, *by_address = NULL;

	LIST_FOREACH (condition, conditions) {
		if (!admits(condition, client))
			continue;
		if (condition->kind != CLIENT_NETWORK)
			return condition;
		if (by_address == NULL)
			by_address = condition;
	}
	return by_address;
}

/* "an authenticated client", "192.0.2.1", for a sentence. */
const char *
client_words(const struct client *client, char *space, size_t size)
{
	char ip[INET6_ADDRSTRLEN];

	if (client->local)
		return "local";
	if (client->family == 0)
		return "unknown";
	if (IN6_IS_ADDR_V4MAPPED(&client->ip))
		inet_ntop(AF_INET, &client->ip.s6_addr[12], ip, sizeof(ip));
	else
		inet_ntop(AF_INET6, &client->ip, ip, sizeof(ip));
	snprintf(space, size, "%s%s", ip,
		client_has_login(client) ? ", authenticated" : "");
	return space;
}
