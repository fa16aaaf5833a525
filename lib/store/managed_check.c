/* What the daemon would stumble over, said before it does. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/managed.h"

/* More of a kind say nothing new. */
enum { WARNINGS_MAX = 20 };

struct checking {
	const struct store *store;
	const char *user;
	struct list *warnings;
	size_t said;
};

static void
warn(struct checking *self, const char *path, const char *words)
{
	if (self->said++ < WARNINGS_MAX)
		list_add(self->warnings,
			mem_printf("store %s: %s: user %s cannot read it: %s",
				self->store->name, path, self->user, words));
}

static void
check_file(struct checking *self, const char *folder, const char *file)
{
	char *path = mem_printf("%s/%s", folder, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		warn(self, path, strerror(errno));
	else if (fstat(fd, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		list_add(self->warnings,
			mem_printf("store %s: %s: holds a private key that is "
				   "not used, because everybody may read or "
				   "write it (chmod o= %s)",
				self->store->name, path, path));
	if (fd >= 0)
		close(fd);
	mem_free(path);
}

static int
check_folder(void *p, const char *folder, struct error *err UNUSED)
{
	struct checking *self = p;
	const struct dirent *entry;
	DIR *dir = opendir(folder);

	if (dir == NULL && errno != ENOENT && errno != ENOTDIR)
		warn(self, folder, strerror(errno));
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct managed_name name;

		managed_read_name(entry->d_name, &name);
		if (name.kind == MANAGED_KEY)
			check_file(self, folder, entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	return 0;
}

/* Whoever is not root can only try as himself. */
static int
become(const char *user, struct managed_was *was)
{
	char space[4096];
	struct passwd entry, *found = NULL;

	*was = (struct managed_was){ 0 };
	if (geteuid() != 0)
		return 0;
	if (getpwnam_r(user, &entry, space, sizeof(space), &found) != 0 ||
		found == NULL)
		return -1; /* and that is a problem of its own */
	managed_become(found->pw_uid, found->pw_gid, was);
	return 0;
}

void
managed_check(struct store *store, const char *user, struct list *warnings)
{
	struct managed *managed = store->own;
	struct checking self = {
		.store = store, .user = user, .warnings = warnings
	};
	struct error why = { 0 };
	struct managed_was was;

	if (become(user, &was) != 0)
		return;
	if (managed_each_folder(managed, check_folder, &self, &why) != 0)
		list_add(warnings, mem_printf("store %s: user %s: %s",
					   store->name, user, why.text));
	managed_become_self(&was);
}
