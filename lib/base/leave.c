#include "base/leave.h"

#include <stddef.h>
#include <sysexits.h>
#include <unistd.h>

/* Tools that report when a program ends; there in builds for tests only. */
extern void __gcov_dump(void) __attribute__((weak));
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

void
leave(int code)
{
	if (__gcov_dump != NULL)
		__gcov_dump();
	if (__lsan_do_recoverable_leak_check != NULL &&
		__lsan_do_recoverable_leak_check() != 0)
		code = EX_SOFTWARE;
	_exit(code);
}
