noinst_LIBRARIES += src/metrics/libmetrics.a
src_metrics_libmetrics_a_SOURCES = src/metrics/count.c src/metrics/count_can.c src/metrics/count.h src/metrics/exponential.c src/metrics/exponential.h src/metrics/fact.c src/metrics/fact.h \
	src/metrics/otlp.c src/metrics/otlp.h src/metrics/otlp_json.c src/metrics/otlp_private.h src/metrics/otlp_protobuf.c \
	src/metrics/prometheus.c src/metrics/prometheus.h src/metrics/view.c src/metrics/view.h \
	src/metrics/view_rows.c src/metrics/view_rows.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_metrics_count tests/unit/test_metrics_exponential tests/unit/test_metrics_export
TESTS += tests/unit/test_metrics_count tests/unit/test_metrics_exponential tests/unit/test_metrics_export
metrics_test_libs = src/metrics/libmetrics.a src/event/libevent.a src/base/libbase.a $(XXHASH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_metrics_count_SOURCES = tests/unit/test_metrics_count.c
tests_unit_test_metrics_count_LDADD = $(metrics_test_libs)
tests_unit_test_metrics_exponential_SOURCES = tests/unit/test_metrics_exponential.c
tests_unit_test_metrics_exponential_LDADD = $(metrics_test_libs)
tests_unit_test_metrics_export_SOURCES = tests/unit/test_metrics_export.c
tests_unit_test_metrics_export_LDADD = $(metrics_test_libs)
endif
