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

/* What a store holds of it in all. */
struct harvested {
	const struct store *store;
	time_t day;   /* when it was counted */
	size_t total; /* SIZE_MAX: it could not tell */
};

struct gateway_counts {
	pthread_mutex_t lock;
	struct client_failures clients[CLIENTS_MAX];
	time_t day; /* of harvested_today */
	unsigned harvested_today;
	struct list harvested; /* struct harvested * */
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
	list_clear(&counts->harvested, mem_free);
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

/* The store's; it stands where it is until the end. */
static struct harvested *
harvested_in(struct gateway_counts *counts, const struct store *store)
{
	struct harvested *one;

	LIST_FOREACH (one, &counts->harvested)
		if (one->store == store)
			return one;
	one = mem_alloc(sizeof(*one));
	*one = (struct harvested){ .store = store, .total = SIZE_MAX };
	list_add(&counts->harvested, one);
	return one;
}

/* The whole store is counted once a day; in between, what is added. */
static bool
is_stale(const struct harvested *one, time_t day)
{
	return one->day != day || one->total == SIZE_MAX;
}

static bool
take_one(struct gateway_counts *counts, struct harvested *one, time_t day,
	const struct gateway_limits *limits)
{
	if (counts->day != day)
		counts->harvested_today = 0;
	counts->day = day;
	if (counts->harvested_today >= limits->harvest_day ||
		one->total >= limits->harvest_total)
		return false;
	counts->harvested_today++;
	one->total++;
	return true;
}

/* A large store takes its time: it is counted while others go on. */
bool
counts_harvest(struct gateway_counts *counts, struct store *store,
	const struct gateway_limits *limits)
{
	time_t day = clock_now() / DAY_SECONDS;
	struct harvested *one;
	size_t total = 0;
	bool stale, may;

	pthread_mutex_lock(&counts->lock);
	one = harvested_in(counts, store);
	stale = is_stale(one, day);
	pthread_mutex_unlock(&counts->lock);
	if (stale)
		total = count_harvested(store);
	pthread_mutex_lock(&counts->lock);
	if (stale && is_stale(one, day)) {
		one->day = day;
		one->total = total;
	}
	may = take_one(counts, one, day, limits);
	pthread_mutex_unlock(&counts->lock);
	return may;
}
