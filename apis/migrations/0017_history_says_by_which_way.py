from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("apis", "0016_documents_comments_ratings")]

    operations = [
        migrations.AddField(
            model_name="historyentry",
            name="via",
            field=models.CharField(
                blank=True, default="", help_text="by which way, e.g. a token's name", max_length=150
            ),
        ),
    ]
