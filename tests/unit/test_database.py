"""The database: migrations, the questions asked of it, and what happens when it is damaged, held or raced for."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from sqlmodel import Session, select

import database.engine
from database import Database, Deployment, Environment, PortReservation, Release, RequestKey, User, may_move
from database.engine import WRITING, file_of, open_engine, prepare_file, read_address
from database.migrate import newest_revision
from database.upgrade import alembic_config, upgrade
from domain import Phase, Secret, Stage, Status
from robust_error_handler import BadRequest, ButlerError, Code, Conflict, DeploymentFailed, NotFound
from settings import ROOT, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data")


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    database = Database(settings)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def alice(db: Database) -> User:
    return db.users.create("Alice", email="alice@example.org", hashed_password="x")


def app(db: Database, user: User, name: str = "acme-shop-a1b2c3d4", **more: Any) -> Deployment:
    return db.deployments.create(user.id, container_name=name, git_url="https://git.test/acme/shop", **more)


def db_file(settings: Settings) -> Path:
    file = file_of(read_address(settings.database_address))
    assert file
    return file


def columns(settings: Settings, table: str) -> list[str]:
    with closing(sqlite3.connect(db_file(settings))) as connection:
        return [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]


# --- the file and its migrations


def test_the_documents_tables_have_the_documents_columns(db: Database, settings: Settings) -> None:
    document = {
        "user": "id username email hashed_password auth_provider github_access_token is_active created_at",
        "deployment": "id container_name git_url status deployed_url created_at user_id",
    }
    for table, names in document.items():
        assert set(names.split()) <= set(columns(settings, table))


def test_the_migrations_and_the_tables_in_the_code_agree(db: Database, settings: Settings) -> None:
    engine = open_engine(read_address(settings.database_address), foreign_keys=False)
    with engine.execution_options(**WRITING).begin() as connection:
        command.check(alembic_config(connection))
    engine.dispose()


def test_the_newest_revision_is_the_one_that_alembic_knows_as_head() -> None:
    assert newest_revision() == ScriptDirectory.from_config(alembic_config()).get_current_head()


def schema(settings: Settings) -> dict[str, dict[str, Any]]:
    """Columns, keys, references, indexes and checks of each table; defaults are for rows of older versions only."""
    engine = open_engine(read_address(settings.database_address))
    look = sa.inspect(engine)
    found = {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"]) for column in look.get_columns(table)
            },
            "key": look.get_pk_constraint(table)["constrained_columns"],
            "references": sorted(map(str, look.get_foreign_keys(table))),
            "unique": sorted(map(str, look.get_unique_constraints(table))),
            "indexes": sorted(map(str, look.get_indexes(table))),
            "checks": sorted(map(str, look.get_check_constraints(table))),
        }
        for table in look.get_table_names()
    }
    engine.dispose()
    return found


def test_a_new_database_is_what_all_the_migrations_make(db: Database, settings: Settings, tmp_path: Path) -> None:
    migrated = Settings(_env_file=None, data_dir=tmp_path / "migrated")
    url = read_address(migrated.database_address)
    prepare_file(db_file(migrated))
    engine = open_engine(url, foreign_keys=False)
    with engine.execution_options(**WRITING).connect() as connection:
        upgrade(connection, None)
    engine.dispose()
    assert schema(settings) == schema(migrated)
    assert columns(settings, "alembic_version") == ["version_num"]


@pytest.mark.parametrize("is_new", [True, False])
def test_a_database_that_is_new_or_up_to_date_is_not_worth_loading_alembic(settings: Settings, is_new: bool) -> None:
    if not is_new:
        Database(settings).migrate()
    code = (
        "import sys; from database import Database; from settings import ROOT, Settings; from pathlib import Path;"
        f"Database(Settings(_env_file=None, data_dir=Path({str(settings.data_dir)!r}))).migrate();"
        "raise SystemExit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_every_migration_can_be_undone_and_done_again(db: Database, settings: Settings) -> None:
    engine = open_engine(read_address(settings.database_address), foreign_keys=False)
    with engine.execution_options(**WRITING).begin() as connection:
        command.downgrade(alembic_config(connection), "base")
    assert columns(settings, "deployment") == []
    db.migrate()
    assert "container_name" in columns(settings, "deployment")
    engine.dispose()


def test_a_database_of_before_there_were_overrides_keeps_its_rows(
    db: Database, alice: User, settings: Settings
) -> None:
    row = app(db, alice, environment=Environment({"KEY": "kept"}, {}))
    release = db.releases.create(row.id)
    engine = open_engine(read_address(settings.database_address), foreign_keys=False)
    with engine.execution_options(**WRITING).begin() as connection:
        command.downgrade(alembic_config(connection), "0002")
    assert "overrides" not in columns(settings, "deployment") + columns(settings, "release")
    assert columns(settings, "idempotency_key") == []
    db.migrate()
    found = db.deployments.by_id(row.id)
    assert (found.overrides, db.releases.by_id(release.id).overrides) == (None, None)
    assert db.deployments.environment(row.id).backend == {"KEY": "kept"}
    db.deployments.update(row.id, overrides={"run": {"port": 1}})
    again = db.releases.create(row.id, key=RequestKey(alice.id, "k", "all of it"))
    assert (again.number, again.overrides) == (2, {"run": {"port": 1}})
    assert db.keys.release_of(RequestKey(alice.id, "k", "all of it")) == again.id
    engine.dispose()


def test_a_key_stands_for_one_release_and_is_kept_with_it_or_not_at_all(db: Database, alice: User) -> None:
    row, key = app(db, alice), RequestKey(alice.id, "k", "all of it")
    first = db.releases.create(row.id, key=key)
    with pytest.raises(Conflict):
        db.releases.create(row.id, key=key)
    assert db.releases.list(row.id, limit=9)[1] == 1, "no release without its key"
    assert db.keys.release_of(key) == first.id
    with pytest.raises(BadRequest) as reused:
        db.keys.release_of(RequestKey(alice.id, "k", "something else"))
    assert reused.value.code is Code.IDEMPOTENCY_KEY_REUSED
    assert db.keys.release_of(RequestKey(alice.id, "another", "all of it")) is None
    assert "all of it" not in repr(key)


def test_files_are_readable_by_their_owner_alone(db: Database, alice: User, settings: Settings) -> None:
    for file in settings.data_dir.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700


def test_sqlite_waits_for_others_and_keeps_references(db: Database) -> None:
    with db.session() as session:
        pragma = {
            name: session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
        }
    assert pragma == {"journal_mode": "wal", "busy_timeout": 5000, "foreign_keys": 1, "synchronous": 1}


def test_a_second_start_changes_nothing_and_copies_nothing(db: Database, alice: User, settings: Settings) -> None:
    again = Database(settings)
    again.migrate()
    assert again.users.by_login("alice") is not None
    assert not (settings.data_dir / "backups").exists()
    again.close()


def add_a_revision(folder: Path, body: str) -> None:
    (folder / "versions" / "9999_later.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision = '9999'\ndown_revision = '0003'\nbranch_labels = None\ndepends_on = None\n"
        f"def upgrade():\n    {body}\ndef downgrade():\n    pass\n"
    )


@pytest.fixture
def later_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A Butler that has one more migration."""
    root = Path(database.__file__).parent.parent
    shutil.copytree(root / "migrations", tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("database.migrate.ROOT", tmp_path)
    monkeypatch.setattr("database.upgrade.ROOT", tmp_path)
    return lambda body: add_a_revision(tmp_path / "migrations", body)


def test_an_older_database_is_copied_and_then_updated_with_its_rows(
    db: Database, alice: User, settings: Settings, later_version: Callable[[str], None]
) -> None:
    app(db, alice)
    later_version(
        "with op.batch_alter_table('user', recreate='always') as table:\n"
        "        table.add_column(sa.Column('shoe', sa.Integer(), nullable=False, server_default='42'))"
    )
    db.migrate()
    db.migrate()
    assert "shoe" in columns(settings, "user")
    assert db.deployments.owned(alice.id, "acme-shop-a1b2c3d4")
    (copy,) = (settings.data_dir / "backups").iterdir()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute('select username from "user"').fetchall() == [("Alice",)]
        assert "shoe" not in [row[1] for row in connection.execute('PRAGMA table_info("user")')]


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    db: Database, alice: User, settings: Settings, later_version: Callable[[str], None]
) -> None:
    later_version("op.add_column('user', sa.Column('half', sa.Integer())); raise ValueError('broken')")
    with pytest.raises(ValueError, match="broken"):
        db.migrate()
    assert "half" not in columns(settings, "user")
    assert db.users.by_login("alice") is not None


def test_a_database_of_a_newer_version_is_refused(db: Database, settings: Settings) -> None:
    with closing(sqlite3.connect(db_file(settings))) as connection, connection:
        connection.execute("update alembic_version set version_num = 'ffff'")
    with pytest.raises(ButlerError, match="newer Butler"):
        db.migrate()


def test_somebody_elses_database_is_refused(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    with closing(sqlite3.connect(db_file(settings))) as connection, connection:
        connection.execute("create table recipes (id integer)")
    with pytest.raises(ButlerError, match="not the Butler's"):
        Database(settings).migrate()


@pytest.mark.parametrize("place", [0, 8192], ids=["header", "middle"])
def test_a_damaged_database_stops_the_start_and_is_left_as_it_is(settings: Settings, place: int) -> None:
    database = Database(settings)
    database.migrate()
    for number in range(200):
        database.users.create(f"user{number}", email=f"{number}@example.org", hashed_password="x" * 200)
    database.close()
    file = db_file(settings)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as handle:
        handle.seek(place)
        handle.write(b"\xa5" * 4096)
    before = file.read_bytes()
    with pytest.raises(ButlerError) as caught:
        Database(settings).migrate()
    assert caught.value.code is Code.STORAGE
    assert "damaged" in caught.value.message and str(file) in caught.value.message
    assert "backup" in caught.value.hint
    assert file.read_bytes() == before


def test_an_address_that_cannot_work_is_refused_with_a_remedy(tmp_path: Path) -> None:
    for address in ("nonsense", "sqlite://", "mysql+nodriver://x/y"):
        with pytest.raises(ButlerError) as caught:
            Database(Settings(_env_file=None, data_dir=tmp_path, database_url=address))
        assert "BUTLER_DATABASE_URL" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = Settings(_env_file=None, data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/file/deployments.db")
    with pytest.raises(ButlerError, match="file/deployments.db"):
        Database(settings).migrate()


# --- when others hold the database


def hold(settings: Settings, seconds: float) -> threading.Thread:
    held = threading.Event()

    def work() -> None:
        with closing(sqlite3.connect(db_file(settings), isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            held.set()
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    thread = threading.Thread(target=work)
    thread.start()
    assert held.wait(5)
    return thread


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database.engine, "BUSY_TIMEOUT_MS", 50)


def test_readers_are_not_held_up_by_a_writer(db: Database, alice: User, settings: Settings) -> None:
    holder = hold(settings, 0.5)
    started = time.monotonic()
    assert db.users.by_id(alice.id)
    assert time.monotonic() - started < 0.3
    holder.join()


def test_a_write_to_a_held_database_says_so(impatient: None, settings: Settings) -> None:
    db = Database(settings)
    db.migrate()
    holder = hold(settings, 0.5)
    with pytest.raises(ButlerError) as caught:
        db.users.create("bob", email="b@example.org", hashed_password="x")
    assert (caught.value.status, caught.value.code) == (503, Code.STORAGE)
    assert "held by another program" in caught.value.message
    holder.join()
    db.close()


def test_a_status_waits_until_the_database_is_free(impatient: None, settings: Settings) -> None:
    db = Database(settings)
    db.migrate()
    user = db.users.create("bob", email="b@example.org", hashed_password="x")
    row = app(db, user)
    holder = hold(settings, 0.5)
    db.deployments.move(row.id, Status.STARTING, Stage.CLONE)
    holder.join()
    assert db.deployments.by_id(row.id).phase == Stage.CLONE
    db.close()


def test_a_full_storage_says_so_and_loses_nothing(db: Database, alice: User, settings: Settings) -> None:
    with db.transaction() as session:
        # The page limit belongs to the connection, which the pool hands out again below.
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()
        session.connection().exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(ButlerError) as caught:
        for number in range(100):
            app(db, alice, f"app-{number}", environment=Environment(backend={"A": "x" * 9000}))
    assert (caught.value.status, caught.value.message) == (503, "The storage is full.")
    assert db.users.by_id(alice.id)
    with closing(sqlite3.connect(db_file(settings))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# --- users


@pytest.mark.parametrize("login", ["alice", "ALICE", "Ａlice", "Alice@Example.org", " alice "])
def test_a_user_is_found_by_any_form_of_name_or_address(db: Database, alice: User, login: str) -> None:
    found = db.users.by_login(login)
    assert found is not None and found.id == alice.id


@pytest.mark.parametrize(("name", "email"), [("ALICE", "new@example.org"), ("bob", "ALICE@example.org")])
def test_a_taken_name_or_address_is_refused_without_saying_which(
    db: Database, alice: User, name: str, email: str
) -> None:
    with pytest.raises(Conflict, match="This user name or e-mail address is already in use"):
        db.users.create(name, email=email, hashed_password="x")


def test_of_many_registrations_of_one_name_one_succeeds(db: Database) -> None:
    def register(number: int) -> bool:
        try:
            db.users.create("Carol" if number % 2 else "carol", email=f"{number}@example.org", hashed_password="x")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(register, range(24))) == 1


def test_a_github_token_is_encrypted_at_rest_and_can_be_forgotten(
    db: Database, alice: User, settings: Settings
) -> None:
    db.users.set_github_token(alice.id, Secret("ghp_verysecretvalue0123456789"))
    for file in settings.data_dir.iterdir():
        assert b"verysecret" not in file.read_bytes(), file
    token = db.users.github_token(alice.id)
    assert token is not None and token.reveal() == "ghp_verysecretvalue0123456789"
    assert db.users.set_github_token(alice.id, None).github_token_added_at is None
    assert db.users.github_token(alice.id) is None


def test_a_lost_encryption_key_is_explained(db: Database, alice: User, settings: Settings) -> None:
    db.users.set_github_token(alice.id, Secret("ghp_verysecretvalue0123456789"))
    (settings.data_dir / "encryption-key").unlink()
    with pytest.raises(ButlerError, match="encrypted with another key"):
        Database(settings).users.github_token(alice.id)


def test_secrets_stay_readable_after_the_key_was_changed(db: Database, alice: User, settings: Settings) -> None:
    from cryptography.fernet import Fernet

    db.users.set_github_token(alice.id, Secret("ghp_verysecretvalue0123456789"))
    key = settings.data_dir / "encryption-key"
    key.write_text(f"{Fernet.generate_key().decode()}\n{key.read_text()}")
    token = Database(settings).users.github_token(alice.id)
    assert token is not None and token.reveal() == "ghp_verysecretvalue0123456789"


def test_simultaneous_first_starts_agree_on_one_key(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "new")
    with ThreadPoolExecutor(8) as pool:
        boxes = [database.deployments._box for database in pool.map(lambda _: Database(settings), range(8))]
    assert {boxes[-1].unseal(box.seal("x")) for box in boxes} == {"x"}
    assert [file.name for file in settings.data_dir.iterdir()] == ["encryption-key"]


# --- deployments and releases


def test_times_are_aware_and_rows_survive_their_session(db: Database, alice: User) -> None:
    row = db.deployments.by_id(app(db, alice).id)
    assert row.created_at.tzinfo is UTC
    assert abs(datetime.now(UTC) - row.created_at) < timedelta(seconds=10)
    assert row.status is Status.STARTING and row.phase == "queued"


def test_the_documents_words_are_what_is_stored(db: Database, alice: User, settings: Settings) -> None:
    app(db, alice)
    with closing(sqlite3.connect(db_file(settings))) as connection:
        assert connection.execute("select status, phase from deployment").fetchall() == [("starting", "queued")]


def test_a_deployment_goes_from_queued_to_live_and_round_again(db: Database, alice: User) -> None:
    move, number = db.deployments.move, app(db, alice).id
    for stage in Stage:
        assert move(number, Status.STARTING, stage).phase == stage
    live = move(number, Status.SUCCESS, Phase.LIVE, deployed_url="http://localhost:8080", host_port=8080)
    assert (live.status, live.deployed_url, live.host_port) == (Status.SUCCESS, "http://localhost:8080", 8080)
    assert live.updated_at > live.created_at
    move(number, Status.STARTING, Phase.QUEUED)
    move(number, Status.FAILED, Phase.FAILED, error_code="build-failed")
    move(number, Status.STARTING, Stage.BUILD)
    assert db.deployments.by_id(number).error_code == "build-failed"


@pytest.mark.parametrize(
    ("status", "phase", "to_status", "to_phase"),
    [
        (Status.FAILED, Phase.FAILED, Status.SUCCESS, Phase.LIVE),
        (Status.STARTING, Stage.BUILD, Status.SUCCESS, Stage.BUILD),
        (Status.STARTING, Stage.BUILD, Status.FAILED, Phase.LIVE),
        (Status.SUCCESS, Phase.LIVE, Status.STARTING, Phase.LIVE),
        (Status.SUCCESS, Phase.DELETING, Status.SUCCESS, Phase.LIVE),
        (Status.STARTING, Phase.DELETING, Status.STARTING, Stage.CLONE),
    ],
)
def test_a_forbidden_move_is_refused(status: Status, phase: str, to_status: Status, to_phase: str) -> None:
    assert not may_move(status, phase, to_status=to_status, to_phase=to_phase)


def test_a_forbidden_move_changes_nothing(db: Database, alice: User) -> None:
    row = app(db, alice)
    db.deployments.move(row.id, Status.FAILED, Phase.FAILED)
    with pytest.raises(ButlerError, match="cannot go from failed"):
        db.deployments.move(row.id, Status.SUCCESS, Phase.LIVE, deployed_url="http://localhost:1")
    assert db.deployments.by_id(row.id).deployed_url is None


def test_the_status_cannot_be_changed_behind_the_tables_back(db: Database, alice: User) -> None:
    row = app(db, alice)
    for name in ("status", "phase", "user_id", "container_name", "nonsense"):
        with pytest.raises(TypeError):
            db.deployments.update(row.id, **{name: "success"})  # type: ignore[misc]


def test_somebody_elses_app_is_answered_like_none_at_all(db: Database, alice: User) -> None:
    bob = db.users.create("bob", email="bob@example.org", hashed_password="x")
    app(db, alice, "alices")
    answers = []
    for name in ("alices", "nobodys"):
        with pytest.raises(NotFound) as caught:
            db.deployments.owned(bob.id, name)
        answers.append((caught.value.message, caught.value.hint))
    assert answers[0] == answers[1]
    assert db.deployments.owned(alice.id, "alices").git_url == "https://git.test/acme/shop"


def test_a_list_is_paged_newest_first_and_shows_only_ones_own(db: Database, alice: User) -> None:
    bob = db.users.create("bob", email="bob@example.org", hashed_password="x")
    app(db, bob, "bobs")
    for number in range(5):
        app(db, alice, f"app-{number}")
    rows, total = db.deployments.list(alice.id, limit=2, offset=1)
    assert ([row.container_name for row in rows], total) == (["app-3", "app-2"], 5)
    assert db.deployments.list(alice.id, limit=2, offset=9) == ([], 5)


def test_what_was_under_way_is_found_again(db: Database, alice: User) -> None:
    starting, live, leaving = app(db, alice, "a"), app(db, alice, "b"), app(db, alice, "c")
    db.deployments.move(live.id, Status.SUCCESS, Phase.LIVE)
    db.deployments.move(leaving.id, Status.SUCCESS, Phase.LIVE)
    db.deployments.move(leaving.id, Status.SUCCESS, Phase.DELETING)
    assert [row.id for row in db.deployments.unfinished()] == [starting.id, leaving.id]
    assert db.deployments.counts() == {Status.STARTING: 1, Status.SUCCESS: 2, Status.FAILED: 0}


def test_variables_are_encrypted_at_rest_and_travel_with_the_release(
    db: Database, alice: User, settings: Settings
) -> None:
    given = Environment(backend={"PASSWORD": "pa$$ 'wörd'\n2"}, frontend={"VITE_KEY": "publickey"})
    row = app(db, alice, environment=given)
    first = db.releases.create(row.id)
    db.deployments.set_environment(row.id, Environment(backend={"PASSWORD": "newer"}))
    assert db.releases.environment(first.id) == given
    assert db.deployments.environment(row.id) == Environment(backend={"PASSWORD": "newer"})
    for file in settings.data_dir.iterdir():
        assert b"pa$$" not in file.read_bytes() and b"PASSWORD" not in file.read_bytes(), file
    assert "newer" not in repr(db.deployments.environment(row.id))


def test_releases_are_numbered_from_one_for_each_app(db: Database, alice: User) -> None:
    one, two = app(db, alice, "one"), app(db, alice, "two")
    assert [db.releases.create(one.id).number for _ in range(3)] == [1, 2, 3]
    latest = db.releases.create(two.id, trace_id="t-1")
    assert latest.number == 1
    assert db.deployments.by_id(two.id).latest_release_id == latest.id
    assert db.deployments.by_id(two.id).trace_id == "t-1"
    rows, total = db.releases.list(one.id, limit=2)
    assert ([row.number for row in rows], total) == ([3, 2], 3)
    assert db.releases.by_number(one.id, 2).deployment_id == one.id


def test_simultaneous_releases_get_different_numbers(db: Database, alice: User) -> None:
    row = app(db, alice)
    with ThreadPoolExecutor(10) as pool:
        numbers = list(pool.map(lambda _: db.releases.create(row.id).number, range(20)))
    assert sorted(numbers) == list(range(1, 21))


def test_a_release_that_succeeds_makes_its_app_live_in_one_step(db: Database, alice: User) -> None:
    row = app(db, alice)
    release = db.releases.create(row.id)
    steps = [{"stage": "clone", "seconds": 0.5, "state": "done"}]
    db.releases.advance(release.id, Stage.BUILD, {"plan": {"kind": "static"}, "steps": steps})
    db.releases.finish(
        release.id,
        Status.SUCCESS,
        {"url": "http://localhost:8080", "image_reused": False},
        app=(Status.SUCCESS, Phase.LIVE),
        app_changes={"deployed_url": "http://localhost:8080", "current_release_id": release.id},
    )
    ended, live = db.releases.by_id(release.id), db.deployments.by_id(row.id)
    assert (ended.status, ended.phase, ended.plan, ended.steps) == (
        Status.SUCCESS,
        "live",
        {"kind": "static"},
        steps,
    )
    assert ended.finished_at is not None and ended.finished_at >= ended.created_at
    assert (live.status, live.current_release_id) == (Status.SUCCESS, release.id)
    assert db.releases.unfinished() == []


def test_a_release_whose_app_cannot_move_does_not_end_half(db: Database, alice: User) -> None:
    row = app(db, alice)
    release = db.releases.create(row.id)
    with pytest.raises(ButlerError):
        db.releases.finish(release.id, Status.SUCCESS, app=(Status.SUCCESS, Phase.FAILED))
    assert [one.id for one in db.releases.unfinished()] == [release.id]


def test_a_deleted_app_takes_its_releases_and_ports_and_its_number_is_not_reused(db: Database, alice: User) -> None:
    row, other = app(db, alice, "gone"), app(db, alice, "stays")
    old = db.releases.create(row.id)
    db.ports.reserve("gone", lambda taken: 8080)
    db.ports.reserve("stays", lambda taken: 8081)
    db.deployments.delete(row.id)
    db.deployments.delete(row.id)
    with pytest.raises(NotFound):
        db.releases.by_id(old.id)
    assert db.ports.reserved() == {8081}
    db.deployments.delete(other.id)
    newest = app(db, alice, "new")
    assert newest.id > other.id
    assert db.releases.create(newest.id).id > old.id


def test_a_user_with_apps_cannot_vanish_under_them(db: Database, alice: User) -> None:
    app(db, alice)
    with pytest.raises(sa.exc.IntegrityError), db.transaction() as session:
        session.delete(session.get(User, alice.id))


def test_a_limit_on_apps_holds_against_simultaneous_requests(db: Database, alice: User) -> None:
    def deploy(number: int) -> bool:
        try:
            app(db, alice, f"app-{number}", at_most=5)
        except Conflict as refused:
            assert "at most 5" in refused.message
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(deploy, range(20))) == 5
    assert db.deployments.list(alice.id, limit=1)[1] == 5


# --- ports


def lowest(taken: set[int]) -> int:
    return next(port for port in range(8080, 9000) if port not in taken)


def test_simultaneous_apps_get_different_ports(db: Database) -> None:
    with ThreadPoolExecutor(20) as pool:
        ports = list(pool.map(lambda number: db.ports.reserve(f"app-{number}", lowest), range(40)))
    assert sorted(ports) == list(range(8080, 8120))
    assert db.ports.reserved() == set(ports)


def test_an_app_keeps_its_port_and_may_hold_another(db: Database) -> None:
    assert db.ports.reserve("shop", lowest) == 8080
    assert db.ports.reserve("shop", lowest) == 8080
    assert db.ports.reserve("shop", lambda taken: 8085) == 8085
    db.ports.release("shop", only=[8080])
    assert db.ports.of("shop") == {8085}
    assert db.ports.reserve("blog", lowest) == 8080
    db.ports.release("shop")
    assert db.ports.reserved() == {8080}


def test_a_port_that_another_app_holds_is_never_given_away(db: Database) -> None:
    db.ports.reserve("shop", lambda taken: 8080)
    with pytest.raises(DeploymentFailed) as caught:
        db.ports.reserve("blog", lambda taken: 8080)
    assert caught.value.code is Code.PORT_TAKEN
    assert db.ports.of("blog") == set()


def test_a_choice_that_fails_reserves_nothing(db: Database) -> None:
    def none_free(taken: set[int]) -> int:
        raise DeploymentFailed(Code.PORT_TAKEN, "none is free", "free one")

    with pytest.raises(DeploymentFailed, match="none is free"):
        db.ports.reserve("shop", none_free)
    assert db.ports.reserved() == set()


def test_a_taken_port_on_a_database_server_is_tried_again(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SQLite's write lock the loser learns of the winner only from the unique constraint."""
    asked: list[set[int]] = []

    def choose(taken: set[int]) -> int:
        asked.append(taken)
        return 8080 + len(asked)

    monkeypatch.setattr("database.ports._take", lambda session, port, name: _insert_blindly(session, port, name))
    with db.transaction() as session:
        session.add(PortReservation(host_port=8081, container_name="winner"))
    assert db.ports.reserve("loser", choose) == 8082


def _insert_blindly(session: Session, port: int, name: str) -> bool:
    session.add(PortReservation(host_port=port, container_name=name))
    return True


def test_the_version_is_what_the_database_says(db: Database) -> None:
    assert db.version().startswith("SQLite 3.")


def test_a_row_that_was_returned_can_be_changed_without_effect(db: Database, alice: User) -> None:
    alice.is_active = False
    with db.session() as session:
        assert session.exec(select(User.is_active)).one() is True
        assert session.exec(select(Release)).all() == []
