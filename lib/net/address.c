/* Addresses that nobody outside may make us talk to. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "net/internal.h"

static const struct range4 {
	uint32_t network;
	unsigned bits;
} private4[] = {
	{ 0x00000000, 8 },  /* this network */
	{ 0x0a000000, 8 },  /* RFC 1918 */
	{ 0x64400000, 10 }, /* RFC 6598, behind carriers */
	{ 0x7f000000, 8 },  /* loopback */
	{ 0xa9fe0000, 16 }, /* link-local */
	{ 0xac100000, 12 }, /* RFC 1918 */
	{ 0xc0000000, 24 }, /* RFC 6890 */
	{ 0xc0a80000, 16 }, /* RFC 1918 */
	{ 0xc6120000, 15 }, /* benchmarks */
	{ 0xe0000000, 3 },  /* multicast, reserved, broadcast */
};

static const struct range6 {
	unsigned char network[6];
	unsigned bits;
} private6[] = {
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48 }, /* RFC 8215 */
	{ { 0x20, 0x01, 0x00, 0x00 }, 32 },		/* Teredo */
	{ { 0xfc, 0x00 }, 7 },				/* RFC 4193 */
	{ { 0xfe, 0x80 }, 10 },				/* link-local */
	{ { 0xfe, 0xc0 }, 10 },				/* site-local, of old */
	{ { 0xff, 0x00 }, 8 },				/* multicast */
};

/* An IPv6 address that is another spelling of an IPv4 one. */
static const struct carrier {
	unsigned char prefix[12];
	unsigned prefix_bytes;
} carriers[] = {
	{ { [10] = 0xff, [11] = 0xff }, 12 }, /* mapped */
	{ { [8] = 0xff, [9] = 0xff }, 12 },   /* RFC 2765 */
	{ { [0] = 0 }, 12 },		      /* compatible, ::, ::1 */
	{ { 0x00, 0x64, 0xff, 0x9b }, 12 },   /* RFC 6052 */
	{ { 0x20, 0x02 }, 2 },		      /* 6to4 */
};

static bool
is_private4(uint32_t address)
{
	for (size_t i = 0; i < COUNT_OF(private4); i++)
		if ((address ^ private4[i].network) >>
				(32 - private4[i].bits) ==
			0)
			return true;
	return false;
}

static uint32_t
number4(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static bool
begins_with(const unsigned char *address, const unsigned char *network,
	unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	return memcmp(address, network, bytes) == 0 &&
	       (rest == 0 ||
		       (address[bytes] ^ network[bytes]) >> (8 - rest) == 0);
}

static bool
is_private6(const unsigned char address[16])
{
	for (size_t i = 0; i < COUNT_OF(private6); i++)
		if (begins_with(address, private6[i].network, private6[i].bits))
			return true;
	for (size_t i = 0; i < COUNT_OF(carriers); i++)
		if (memcmp(address, carriers[i].prefix,
			    carriers[i].prefix_bytes) == 0)
			return is_private4(
				number4(address + carriers[i].prefix_bytes));
	return false;
}

bool
net_is_private(const struct sockaddr *address)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (address->sa_family == AF_INET) {
		memcpy(&in, address, sizeof(in));
		return is_private4(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family != AF_INET6)
		return true;
	memcpy(&in6, address, sizeof(in6));
	return is_private6(in6.sin6_addr.s6_addr);
}

bool
host_is_private(const char *host)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct span name = span_string(host);
	char bare[64];
	size_t len = strlen(host);

	if (len > 2 && host[0] == '[' && len < sizeof(bare)) {
		memcpy(bare, host + 1, len - 2);
		bare[len - 2] = '\0';
		bare[strcspn(bare, "%")] = '\0'; /* zone */
		return inet_pton(AF_INET6, bare, &in6.sin6_addr) != 1 ||
		       net_is_private((struct sockaddr *)&in6);
	}
	/* As getaddrinfo reads it: 127.1 is an address too. */
	if (inet_aton(host, &in.sin_addr) != 0)
		return net_is_private((struct sockaddr *)&in);
	/* The dot at the end of a whole name. */
	if (len > 0 && host[len - 1] == '.')
		name.len--;
	return (name.len == strlen("localhost") &&
		       span_starts_nocase(name, "localhost")) ||
	       span_ends_nocase(name, ".localhost");
}
