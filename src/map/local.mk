noinst_LIBRARIES += src/map/libmap.a
src_map_libmap_a_SOURCES = src/map/draw.c src/map/draw_line.c src/map/draw_line.h src/map/map.c src/map/map.h src/map/map_fields.c src/map/map_fields.h \
	src/map/map_forms.h src/map/map_gen_ai.c src/map/map_ingestion.c src/map/map_langfuse.c src/map/map_openinference.c \
	src/map/map_otlp.c src/map/map_otlp.h src/map/otlp_write.c src/map/otlp_write.h src/map/traceparent.c

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_map tests/unit/test_map_otlp
TESTS += tests/unit/test_map tests/unit/test_map_otlp
tests_unit_test_map_otlp_SOURCES = tests/unit/test_map_otlp.c tests/unit/map_sample.h
tests_unit_test_map_otlp_LDADD = src/map/libmap.a src/event/libevent.a src/base/libbase.a $(XXHASH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_map_SOURCES = tests/unit/test_map.c tests/unit/map_sample.h
tests_unit_test_map_LDADD = src/map/libmap.a src/event/libevent.a src/base/libbase.a $(XXHASH_LIBS) $(CMOCKA_LIBS)
endif

check_PROGRAMS += tests/unit/otlp_dump
TESTS += tests/t/protoc.sh
tests_unit_otlp_dump_SOURCES = tests/unit/otlp_dump.c tests/unit/map_sample.h
tests_unit_otlp_dump_LDADD = src/map/libmap.a src/event/libevent.a src/base/libbase.a $(XXHASH_LIBS)
EXTRA_DIST += tests/t/protoc.sh \
	tests/fixtures/opentelemetry-proto/README \
	tests/fixtures/opentelemetry-proto/LICENSE \
	tests/fixtures/opentelemetry-proto/opentelemetry/proto/collector/trace/v1/trace_service.proto \
	tests/fixtures/opentelemetry-proto/opentelemetry/proto/common/v1/common.proto \
	tests/fixtures/opentelemetry-proto/opentelemetry/proto/resource/v1/resource.proto \
	tests/fixtures/opentelemetry-proto/opentelemetry/proto/trace/v1/trace.proto
