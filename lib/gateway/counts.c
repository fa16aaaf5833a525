/*
 * What is counted over many mails: failures to decrypt, by client, so that
 * nobody can ask thousands of times; and certificates harvested.
 */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/internal.h"

/* More clients at once than these push out the one that failed longest ago. */
enum { CLIENTS_MAX = 1024, HOUR_SECONDS = 3600, DAY_SECONDS = 86400 };

struct client_failures {
	struct in6_addr ip;
	time_t since, last; /* last 0: free */
	unsigned count;
};

struct gateway_counts {
	pthread_mutex_t lock;
	struct client_failures clients[CLIENTS_MAX];
	time_t day; /* of harvested_today */
	unsigned harvested_today;
	const struct store *counted; /* whose total that is */
	size_t total;
};

struct gateway_counts *
counts_new(void)
{
	struct gateway_counts *counts = mem_alloc(sizeof(*counts));

	pthread_mutex_init(&counts->lock, NULL);
	return counts;
}

void
counts_free(struct gateway_counts *counts)
{
	if (counts == NULL)
		return;
	pthread_mutex_destroy(&counts->lock);
	mem_free(counts);
}

/* ---- failures ---- */

/* Whoever has one address of IPv6 has the whole /64. */
static struct in6_addr
network_of(const struct client *client)
{
	struct in6_addr ip = client->ip;

	if (!IN6_IS_ADDR_V4MAPPED(&ip))
		memset(ip.s6_addr + 8, 0, 8);
	return ip;
}

static struct client_failures *
find_client(struct gateway_counts *counts, const struct in6_addr *ip)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client_failures *one = &counts->clients[i];

		if (one->last != 0 && memcmp(&one->ip, ip, sizeof(*ip)) == 0)
			return one;
	}
	return NULL;
}

static struct client_failures *
oldest_client(struct gateway_counts *counts)
{
	struct client_failures *oldest = &counts->clients[0];

	for (size_t i = 1; i < CLIENTS_MAX; i++)
		if (counts->clients[i].last < oldest->last)
			oldest = &counts->clients[i];
	return oldest;
}

bool
counts_client_is_barred(struct gateway_counts *counts,
	const struct client *client, unsigned most)
{
	const struct in6_addr ip = network_of(client);
	const struct client_failures *one;
	bool barred;

	pthread_mutex_lock(&counts->lock);
	one = find_client(counts, &ip);
	barred = one != NULL && clock_now() - one->since < HOUR_SECONDS &&
		 one->count >= most;
	pthread_mutex_unlock(&counts->lock);
	return barred;
}

void
counts_client_failed(struct gateway_counts *counts, const struct client *client)
{
	const struct in6_addr ip = network_of(client);
	struct client_failures *one;
	time_t now = clock_now();

	pthread_mutex_lock(&counts->lock);
	one = find_client(counts, &ip);
	if (one == NULL) {
		one = oldest_client(counts);
		*one = (struct client_failures){ .ip = ip, .since = now };
	} else if (now - one->since >= HOUR_SECONDS) {
		one->since = now;
		one->count = 0;
	}
	one->last = now;
	one->count++;
	pthread_mutex_unlock(&counts->lock);
}

/* ---- harvests ---- */

static size_t
count_harvested(struct store *store)
{
	struct list certs = { 0 };
	const struct cert *cert;
	size_t count = 0;

	if (store_list(store, &certs, NULL) != 0)
		return SIZE_MAX; /* until it can be told */
	LIST_FOREACH (cert, &certs)
		count += cert->origin == CERT_HARVESTED;
	list_clear(&certs, cert_unref);
	return count;
}

/* The whole store is counted once a day; in between, what is added. */
bool
counts_harvest(struct gateway_counts *counts, struct store *store,
	const struct gateway_limits *limits)
{
	time_t day = clock_now() / DAY_SECONDS;
	bool may;

	pthread_mutex_lock(&counts->lock);
	if (counts->day != day)
		counts->harvested_today = 0;
	if (counts->day != day || counts->counted != store ||
		counts->total == SIZE_MAX)
		counts->total = count_harvested(store);
	counts->day = day;
	counts->counted = store;
	may = counts->harvested_today < limits->harvest_day &&
	      counts->total < limits->harvest_total;
	if (may) {
		counts->harvested_today++;
		counts->total++;
	}
	pthread_mutex_unlock(&counts->lock);
	return may;
}
