#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef HAVE_LIBSECCOMP
#include <seccomp.h>
#endif

#include "base/mem.h"

/* Each session is a descriptor; all of them are looked at when draining. */
enum { DESCRIPTORS_MAX = 16384 };
enum { LARGE_BYTES = 256 * 1024, ARENAS = 4 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* Sanitizers trace their own process and run a symbolizer. */
#define WATCHED 1
#else
#define WATCHED 0
#endif

int
sandbox_find_user(const char *user, struct identity *out, struct error *err)
{
	const struct passwd *entry;

	*out = (struct identity){ NULL, (uid_t)-1, (gid_t)-1 };
	if (geteuid() != 0)
		return 0;
	errno = 0;
	entry = getpwnam(user);
	if (entry == NULL)
		return error_set(err, ERROR_CONFIG,
			"user: there is no user \"%s\"%s%s", user,
			errno != 0 ? ": " : "", errno ? strerror(errno) : "");
	if (entry->pw_uid == 0)
		return error_set(err, ERROR_CONFIG,
			"user: \"%s\" is root; workers need a user of their "
			"own",
			user);
	*out = (struct identity){ mem_string(user), entry->pw_uid,
		entry->pw_gid };
	return 0;
}

void
identity_clear(struct identity *identity)
{
	mem_free(identity->name);
	identity->name = NULL;
}

void
sandbox_tune_memory(void)
{
	/*
	 * Fixed, or glibc raises the threshold with each large mail and keeps
	 * its memory; few arenas, since any thread may serve any mail.
	 */
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
	mallopt(M_ARENA_MAX, ARENAS);
}

static void
set_limits(void)
{
	struct rlimit none = { 0, 0 };
	struct rlimit files;

	if (!WATCHED)
		setrlimit(RLIMIT_CORE, &none); /* keys are in memory */
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	if (geteuid() == 0 && files.rlim_max < DESCRIPTORS_MAX)
		files.rlim_max = DESCRIPTORS_MAX;
	files.rlim_cur = files.rlim_max < DESCRIPTORS_MAX ? files.rlim_max
							  : DESCRIPTORS_MAX;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int
become(const struct identity *to, struct error *err)
{
	uid_t real, effective, saved;

	if (to->name == NULL)
		return 0;
	if (initgroups(to->name, to->gid) != 0 ||
		setresgid(to->gid, to->gid, to->gid) != 0 ||
		setresuid(to->uid, to->uid, to->uid) != 0)
		return error_set(err, ERROR_SYSTEM, "cannot become user %s: %s",
			to->name, strerror(errno));
	if (getresuid(&real, &effective, &saved) != 0 || real != to->uid ||
		effective != to->uid || saved != to->uid || setuid(0) == 0)
		return error_set(
			err, ERROR_SYSTEM, "could not give up root for good");
	return 0;
}

#ifdef HAVE_LIBSECCOMP
/* A list of refusals: what libraries need differs from system to system. */
static const int refused_calls[] = { SCMP_SYS(execve), SCMP_SYS(execveat),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(kcmp), SCMP_SYS(mount),
	SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
	SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(keyctl),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(reboot),
	SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(acct), SCMP_SYS(quotactl),
	SCMP_SYS(personality), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime),
	SCMP_SYS(adjtimex), SCMP_SYS(sethostname), SCMP_SYS(setdomainname),
	SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at), SCMP_SYS(setuid), SCMP_SYS(setgid),
	SCMP_SYS(setgroups), SCMP_SYS(mknod), SCMP_SYS(mknodat) };

static int
refuse_calls(const char **missing, struct error *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int why = filter == NULL ? -ENOMEM : 0;

	/* A call this machine does not have needs no refusal. */
	for (size_t i = 0; why == 0 && i < COUNT_OF(refused_calls); i++)
		if (refused_calls[i] >= 0)
			why = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
				refused_calls[i], 0);
	if (why == 0)
		why = seccomp_load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	/* A kernel without it, or a container that forbids it. */
	if (why == -EINVAL || why == -ENOSYS || why == -ECANCELED) {
		*missing = "workers keep all system calls: the kernel takes no "
			   "seccomp filter";
		return 0;
	}
	if (why != 0)
		return error_set(err, ERROR_SYSTEM,
			"cannot give up system calls: %s", strerror(-why));
	return 0;
}
#else
static int
refuse_calls(const char **missing, struct error *err UNUSED)
{
	*missing = "workers keep all system calls: this program was built "
		   "without libseccomp";
	return 0;
}
#endif

int
sandbox_drop_root(const struct identity *identity, struct error *err)
{
	set_limits();
	if (become(identity, err) != 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_set(err, ERROR_SYSTEM,
			"cannot give up new privileges: %s", strerror(errno));
	if (!WATCHED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return error_set(err, ERROR_SYSTEM,
			"cannot forbid core files: %s", strerror(errno));
	return 0;
}

int
sandbox_seal(const char **missing, struct error *err)
{
	return WATCHED ? 0 : refuse_calls(missing, err);
}
