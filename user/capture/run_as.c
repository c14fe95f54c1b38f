/* SPDX-License-Identifier: GPL-2.0-only */
/* Who the command runs as: decided strictly from the options and sudo's variables, and become. */
#include "capture/run_as.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/units.h"

#define ID_MAX (UINT32_MAX - 1) /* the largest number means "do not change" to the kernel */

/* Digits only: no sign, no space, no hexadecimal. */
static int parse_id(const char *text, uint32_t *ret_id)
{
	uint64_t id;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || text[digits] != '\0' || parse_count(text, 0, ID_MAX, &id) < 0)
		return -EINVAL;
	*ret_id = (uint32_t)id;
	return 0;
}

static void take_account(const struct passwd *account, struct run_as *as)
{
	as->changes = true;
	as->uid = account->pw_uid;
	as->gid = account->pw_gid;
	as->name = xstrdup(account->pw_name);
	as->home = xstrdup(account->pw_dir);
	as->shell = xstrdup(account->pw_shell[0] ? account->pw_shell : "/bin/sh");
}

static int decide_named(const char *user, struct run_as *ret_as)
{
	const struct passwd *account = getpwnam(user);
	uint32_t uid;

	if (!account && parse_id(user, &uid) == 0)
		account = getpwuid(uid);
	if (!account)
		return fail_plain(-EINVAL, "no such user '%s', name one of this machine", user);
	if (geteuid() != 0 && account->pw_uid != geteuid())
		return fail_plain(-EPERM, "cannot run as '%s': not root", user);
	if (geteuid() == 0)
		take_account(account, ret_as);
	return 0;
}

/* A user of sudo who has no account here still has a number. */
static void take_number(uint32_t uid, struct run_as *as)
{
	as->changes = true;
	as->uid = uid;
	as->name = xasprintf("%u", uid);
	as->home = xstrdup("/");
	as->shell = xstrdup("/bin/sh");
}

static int decide_sudo(const char *uid_text, const char *gid_text, struct run_as *ret_as)
{
	const struct passwd *account;
	uint32_t uid;
	uint32_t gid;

	if (!uid_text || parse_id(uid_text, &uid) < 0)
		return fail_plain(-EINVAL,
				  "SUDO_UID is '%s', not a user number: unset it, or choose with "
				  "-u USER or --as-root",
				  uid_text ? uid_text : "");
	if (!gid_text || parse_id(gid_text, &gid) < 0)
		return fail_plain(-EINVAL,
				  "SUDO_GID is '%s', not a group number: unset SUDO_UID and it, or "
				  "choose with -u USER or --as-root",
				  gid_text ? gid_text : "");
	if (uid == 0)
		return 0;
	account = getpwuid(uid);
	if (account)
		take_account(account, ret_as);
	else
		take_number(uid, ret_as);
	ret_as->gid = gid;
	return 0;
}

int run_as_decide(const char *user, bool as_root, struct run_as *ret_as)
{
	const char *uid_text = getenv("SUDO_UID");
	const char *gid_text = getenv("SUDO_GID");

	*ret_as = (struct run_as){ 0 };
	if (user)
		return decide_named(user, ret_as);
	if (as_root || geteuid() != 0 || (!uid_text && !gid_text))
		return 0;
	return decide_sudo(uid_text, gid_text, ret_as);
}

void run_as_release(struct run_as *as)
{
	free(as->name);
	free(as->home);
	free(as->shell);
	*as = (struct run_as){ 0 };
}

/* Changing the uid empties the effective and permitted sets, but not what is meant to survive an
 * exec. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static bool has_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return true;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (data[i].effective || data[i].permitted || data[i].inheritable)
			return true;
	return false;
}

/* What the kernel says now, not what the calls returned. */
static bool is_become(const struct run_as *as)
{
	uid_t uids[3];
	gid_t gids[3];

	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return false;
	for (int i = 0; i < 3; i++)
		if (uids[i] != as->uid || gids[i] != as->gid)
			return false;
	return as->uid == 0 || (!has_capabilities() && setuid(0) < 0);
}

static int set_environment(const struct run_as *as)
{
	if (setenv("HOME", as->home, 1) < 0 || setenv("USER", as->name, 1) < 0 ||
	    setenv("LOGNAME", as->name, 1) < 0 || setenv("SHELL", as->shell, 1) < 0)
		return -errno;
	return 0;
}

int run_as_become(const struct run_as *as)
{
	int err;

	if (!as->changes)
		return 0;
	if (initgroups(as->name, as->gid) < 0 || setresgid(as->gid, as->gid, as->gid) < 0 ||
	    setresuid(as->uid, as->uid, as->uid) < 0)
		return -errno;
	err = as->uid == 0 ? 0 : drop_capabilities();
	if (err < 0)
		return err;
	if (!is_become(as))
		return -EPERM;
	return set_environment(as);
}
