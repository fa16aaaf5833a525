/*
 * OpenSSL's allocations, one of which fails.  For a program of its own:
 * OpenSSL takes its allocator before anything else.
 */
#ifndef TEST_FAULT_FIXTURE_H
#define TEST_FAULT_FIXTURE_H

#include "base/compiler.h"

/* Counts down to the allocation that fails, then is 0; below 1: none. */
extern long fault_countdown;

/* First of all in main(); -1: it is too late. */
int fault_begin(void) MUST_USE;

#endif
