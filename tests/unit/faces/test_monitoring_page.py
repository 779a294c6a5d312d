from tests.documents import monitoring_page


def test_the_table_of_metrics_in_the_docs_is_what_the_code_exports() -> None:
    page = monitoring_page.PAGE.read_text(encoding="utf-8")
    assert page == monitoring_page.made(page), "make docs"
    assert page.count("\n| `niassa_orch_") > 50
