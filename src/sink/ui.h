/* The page for people; see ui.c. */
#ifndef LF_SINK_UI_H
#define LF_SINK_UI_H
#include "sink/server.h"

sink_route_fn ui_page, ui_spans, ui_span;

#endif
