/* The mailbox: order, bound, closing, and that nothing is lost between threads. */
#include "base/err.h"
#include "base/mailbox.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int numbers[4000];

static void keeps_order_and_bound(void **state)
{
	struct mailbox *mailbox = mailbox_new(3);
	void *items[8];

	(void)state;
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 3; i++)
			assert_int_equal(mailbox_put(mailbox, &numbers[i], 0), 0);
		assert_int_equal(mailbox_put(mailbox, &numbers[3], 0), LF_EAGAIN);
		assert_int_equal(mailbox_take(mailbox, items, 2, 0), 2);
		assert_ptr_equal(items[0], &numbers[0]);
		assert_ptr_equal(items[1], &numbers[1]);
		assert_int_equal(mailbox_take(mailbox, items, 8, 0), 1);
		assert_ptr_equal(items[0], &numbers[2]);
	}
	assert_int_equal(mailbox_take(mailbox, items, 8, 0), 0);
	assert_int_equal(mailbox_take(mailbox, items, 8, 1), 0);
	mailbox_free(mailbox);
}

static void closes_and_drains(void **state)
{
	struct mailbox *mailbox = mailbox_new(4);
	void *items[4];

	(void)state;
	mailbox_put(mailbox, &numbers[0], -1);
	mailbox_close(mailbox);
	assert_int_equal(mailbox_put(mailbox, &numbers[1], -1), LF_ECLOSED);
	assert_int_equal(mailbox_take(mailbox, items, 4, -1), 1);
	assert_int_equal(mailbox_take(mailbox, items, 4, -1), LF_ECLOSED);
	mailbox_free(mailbox);
}

struct producer {
	struct mailbox *mailbox;
	int first;
};

static void *produce(void *context)
{
	struct producer *producer = context;

	for (int i = 0; i < 1000; i++)
		if (mailbox_put(producer->mailbox, &numbers[producer->first + i], -1))
			return producer;
	return NULL;
}

static void loses_nothing_between_threads(void **state)
{
	struct mailbox *mailbox = mailbox_new(7);
	struct producer producers[4];
	pthread_t threads[4];
	void *items[5], *failed;
	int last[4] = { -1, -1, -1, -1 }, total = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		producers[i] = (struct producer){ mailbox, i * 1000 };
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
	}
	while (total < 4000) {
		int n = mailbox_take(mailbox, items, 5, -1);

		assert_true(n >= 1 && n <= 5);
		for (int i = 0; i < n; i++) {
			int number = (int)((int *)items[i] - numbers);

			/* Each producer's items come in its order. */
			assert_int_equal(last[number / 1000] + 1, number % 1000);
			last[number / 1000] = number % 1000;
		}
		total += n;
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(mailbox_take(mailbox, items, 5, 0), 0);
	mailbox_free(mailbox);
}

static void *take_until_closed(void *context)
{
	void *item;

	return mailbox_take(context, &item, 1, -1) == LF_ECLOSED ? context : NULL;
}

static void close_wakes_waiters(void **state)
{
	struct mailbox *mailbox = mailbox_new(1);
	pthread_t threads[3];
	void *result;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_until_closed, mailbox), 0);
	mailbox_close(mailbox);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &result);
		assert_ptr_equal(result, mailbox);
	}
	mailbox_free(mailbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_and_bound), cmocka_unit_test(closes_and_drains),
		cmocka_unit_test(loses_nothing_between_threads), cmocka_unit_test(close_wakes_waiters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
