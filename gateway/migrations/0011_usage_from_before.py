"""What was counted so far, added up by the hour and the day: a day in a transaction, so memory does not matter.

Broken off, it goes on where it was. What is written while it runs is newer than all it looks at.
"""

from datetime import UTC, datetime, timedelta

from django.db import migrations, transaction

DAY = timedelta(days=1)
COUNTERS = ("sessions", "events_in", "events_out", "bytes_in", "bytes_out", "refused", "throttled")
KEY = ("api_id", "application_id", "subscription_id")
START_OF = {  # as a database says the start of an hour and of a day; SQLite keeps moments as text, in UTC
    "sqlite": {"hour": "substr({0}, 1, 13) || ':00:00'", "day": "substr({0}, 1, 10) || ' 00:00:00'"},
    "postgresql": {"hour": "date_trunc('hour', {0}, 'UTC')", "day": "date_trunc('day', {0}, 'UTC')"},
}


def add_up(connection, step, source, column, start, end):
    """Rows of gateway_usage<step> for what starts from `start` until before `end`."""
    keys, sums = ", ".join(KEY), ", ".join(f"SUM({name})" for name in COUNTERS)
    begin = START_OF[connection.vendor][step].format(column)
    sql = (
        f"INSERT INTO gateway_usage{step} ({keys}, start, {', '.join(COUNTERS)}) "
        f"SELECT {keys}, {begin}, {sums} FROM {source} WHERE {column} >= %s AND {column} < %s GROUP BY {keys}, {begin}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [connection.ops.adapt_datetimefield_value(moment) for moment in (start, end)])


def fill(apps, schema_editor):
    connection = schema_editor.connection
    alias = connection.alias
    marks = apps.get_model("gateway", "UsageMark").objects.using(alias)
    minutes = apps.get_model("gateway", "UsageMinute").objects.using(alias).order_by("minute")
    last = (datetime.now(UTC) - timedelta(hours=1, minutes=10)).replace(minute=0, second=0, microsecond=0)
    while True:
        mark = marks.filter(pk=1).first()
        rest = minutes.filter(minute__lt=last)
        if mark is not None:
            rest = rest.filter(minute__gte=mark.hours_until)
        first = rest.values_list("minute", flat=True).first()
        if first is None:
            return
        day = first.replace(hour=0, minute=0, second=0, microsecond=0)
        end = min(day + DAY, last)
        start, days_from = (day, day) if mark is None else (max(day, mark.hours_until), mark.days_until)
        days_until = end.replace(hour=0)
        with transaction.atomic(using=alias):
            add_up(connection, "hour", "gateway_usageminute", "minute", start, end)
            add_up(connection, "day", "gateway_usagehour", "start", days_from, days_until)
            marks.update_or_create(pk=1, defaults={"hours_until": end, "days_until": days_until})


class Migration(migrations.Migration):

    atomic = False  # each day for itself
    dependencies = [
        ('gateway', '0010_usage_added_up'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
