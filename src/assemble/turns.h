/* Groups a view's messages into turns. Private to assemble/. */
#ifndef LF_ASSEMBLE_TURNS_H
#define LF_ASSEMBLE_TURNS_H
#include "assemble/view.h"

/* Fills view->turns and puts messages and signals in their order. */
int turns_build(struct view *view, struct err *err);

#endif
