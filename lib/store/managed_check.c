/* What the daemon would stumble over, said before it does. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

/* Takes the line over. */
static void
warn(struct checking *self, char *line)
{
	if (self->said++ < WARNINGS_MAX)
		list_add(self->warnings, line);
	else
		mem_free(line);
}

static void
warn_unreadable(struct checking *self, const char *path)
{
	warn(self,
		mem_printf("store %s: %s: user %s cannot read it: %s",
			self->store->name, path, self->user, strerror(errno)));
}

static void
check_file(struct checking *self, const char *folder, const char *file)
{
	char *path = mem_printf("%s/%s", folder, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		warn_unreadable(self, path);
	else if (fstat(fd, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		warn(self,
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
		warn_unreadable(self, folder);
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

void
managed_check(struct store *store, const char *user, struct list *warnings)
{
	struct managed *managed = store->own;
	struct checking self = {
		.store = store, .user = user, .warnings = warnings
	};
	struct error why = { 0 };

	if (managed_each_folder(managed, check_folder, &self, &why) != 0)
		list_add(warnings, mem_printf("store %s: user %s: %s",
					   store->name, user, why.text));
	if (self.said > WARNINGS_MAX)
		list_add(warnings,
			mem_printf("store %s: %zu more keys cannot be used",
				store->name, self.said - WARNINGS_MAX));
}
