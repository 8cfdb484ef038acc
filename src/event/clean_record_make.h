/* The constructor of clean records. Only redact/ and spool/ may include this (tests/t/layout.sh checks). */
#ifndef LF_EVENT_CLEAN_RECORD_MAKE_H
#define LF_EVENT_CLEAN_RECORD_MAKE_H
#include "event/clean_record.h"

/* Copies all slices. Never NULL (aborts without memory). */
struct clean_record *clean_record_new(const struct clean_record_view *view);

#endif
