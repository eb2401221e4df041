"""A file is complete or not there, whoever writes it; JSON that cannot be read is one line."""

import os
import re
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vvlm_utils.files import (
    find_place,
    read_json,
    read_mapping,
    scratch_folder,
    whole,
    whole_folder,
)

ROOT = Path(__file__).parents[1]


class Refused(ValueError):
    """What a reader of these tests raises."""


def test_a_file_takes_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "a table.csv"
    with whole(path) as part:
        part.write_text("new")
        assert not path.exists() and part.parent == tmp_path
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_what_failed_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "kept"
    path.write_text("old")
    with pytest.raises(OSError, match="no room"), whole(path) as part:
        part.write_text("half")
        raise OSError("no room")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "one"
    with whole(path) as later:
        later.write_text("later")
        with whole(path) as sooner:
            sooner.write_text("sooner")
        assert path.read_text() == "sooner"
    assert path.read_text() == "later" and list(tmp_path.iterdir()) == [path]


def test_a_file_keeps_its_mode_and_may_have_the_longest_name(tmp_path):
    path = tmp_path / ("é" * 127)  # 254 bytes
    path.write_text("old")
    path.chmod(0o640)
    with whole(path, ".ipynb") as part:
        part.write_text("new")
        assert part.suffix == ".ipynb"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and path.read_text() == "new"


def test_a_link_stays_and_its_target_is_written(tmp_path):
    target, link, dangling = tmp_path / "target", tmp_path / "link", tmp_path / "dangling"
    target.write_text("old")
    link.symlink_to("target")
    dangling.symlink_to("made")
    for path in (link, dangling):
        with whole(path) as part:
            part.write_text("new")
        assert path.is_symlink() and path.resolve().read_text() == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dangling", "link", "made", "target"]


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe, said = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: said.append(pipe.read_text()))
    reader.start()
    with whole(pipe) as part:
        part.write_text("content")
    reader.join(10)
    assert said == ["content"] and pipe.is_fifo()


def test_a_device_is_written_to_and_stays_a_device():
    master, terminal = os.openpty()
    name = os.ttyname(terminal)
    with whole(name) as part:
        part.write_text("content")
    assert os.read(master, 7) == b"content" and stat.S_ISCHR(os.stat(name).st_mode)
    os.close(master), os.close(terminal)


def test_a_dash_is_standard_output():
    script = "from vvlm_utils.files import whole\nfor name in ('-', '/dev/stdout'):\n"
    script += " print('before')\n with whole(name) as part: part.write_text('content\\n')"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "before\ncontent\n" * 2, done.stderr


def test_what_standard_output_already_is_is_not_replaced(tmp_path):
    path = tmp_path / "said"
    script = "import sys\nfrom vvlm_utils.files import whole\nprint('before')\n"
    script += "with whole(sys.argv[1]) as part: part.write_text('content\\n')\nprint('after')"
    with path.open("w") as out:
        subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, stdout=out, check=True)
    assert path.read_text() == "before\ncontent\nafter\n"


def test_what_is_no_file_is_refused_by_name(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    cases = {
        tmp_path: "is a folder; name a file",
        tmp_path / "no" / "x": "there is no folder .*no; make it first",
        tmp_path / "loop": "no file can be written here",
        tmp_path / ("x" * 256): "no file can be written here",
        tmp_path / "a\0b": "no file can be written here",
    }
    for path, reason in cases.items():
        with pytest.raises(ValueError, match=reason):
            find_place(path)
        with pytest.raises(ValueError, match=reason), whole(path):
            pass
    assert find_place("-") is None and find_place("/dev/null") is None


def test_a_folder_takes_its_name_when_it_is_complete(tmp_path):
    path, link = tmp_path / "site", tmp_path / "link"
    link.symlink_to("site")
    with whole_folder(path) as new:
        (new / "first").touch()
        assert not path.exists()
    with whole_folder(link) as new:
        (new / "second").touch()
        assert (path / "first").exists()
    assert link.is_symlink() and [p.name for p in path.iterdir()] == ["second"]
    with pytest.raises(OSError, match="no room"), whole_folder(path):
        raise OSError("no room")
    assert [p.name for p in path.iterdir()] == ["second"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "site"]
    with pytest.raises(ValueError, match="second is a file; name a folder"):
        with whole_folder(path / "second"):
            pass


KILLED = """
import os, signal, sys
from pathlib import Path
from vvlm_utils import files
place = Path(sys.argv[1])
def kill(*names): os.kill(os.getpid(), signal.SIGKILL)
def move(old, new, real=os.replace):
    real(old, new)
    if Path(new).parent.name == "old":
        kill()
with files.whole(place / "file") as part:
    part.write_text("half")
    with files.whole_folder(place / "folder") as new, files.scratch_folder("test"):
        (new / "x").touch()
        {when}
"""


def kill_a_writer(folder: Path, when: str, **env) -> None:
    command = [sys.executable, "-c", KILLED.format(when=when), str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | env)
    assert done.returncode == -signal.SIGKILL


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path):
    folder, temporary = tmp_path / "out", tmp_path / "tmp"
    folder.mkdir(), temporary.mkdir()
    kill_a_writer(folder, "kill()", TMPDIR=str(temporary))
    left = [p.name for p in [*folder.iterdir(), *temporary.iterdir()]]
    assert len(left) == 3 and all(re.fullmatch(r"\..*-\d+-\w{8}\.part", name) for name in left)
    (folder / ".file.part").touch()  # another program's, perhaps
    with whole(folder / "file") as part:
        part.write_text("complete")
    assert sorted(p.name for p in folder.iterdir()) == [".file.part", "file"]
    script = "from vvlm_utils.files import scratch_folder\nwith scratch_folder('test'): pass"
    env = os.environ | {"TMPDIR": str(temporary)}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, check=True)
    assert list(temporary.iterdir()) == []


def test_a_kill_between_the_two_renames_loses_no_folder(tmp_path):
    with whole_folder(tmp_path / "folder") as new:
        (new / "old content").touch()
    later = tmp_path / "later"  # a folder is looked through once by a process
    later.mkdir()
    (tmp_path / "folder").rename(later / "folder")
    kill_a_writer(later, "os.replace = move")
    assert not (later / "folder").exists()
    with whole(later / "other") as part:
        part.touch()
    assert sorted(p.name for p in later.iterdir()) == ["folder", "other"]
    assert [p.name for p in (later / "folder").iterdir()] == ["old content"]


def test_what_a_living_writer_fills_is_left_alone(tmp_path):
    with whole(tmp_path / "file") as part, whole_folder(tmp_path / "folder"):
        part.write_text("half")
        script = "import sys\nfrom vvlm_utils.files import whole\n"
        script += "with whole(sys.argv[1]) as part: part.touch()"
        other = [sys.executable, "-c", script, str(tmp_path / "other")]
        subprocess.run(other, cwd=ROOT, check=True)
        assert part.read_text() == "half"
    assert (tmp_path / "file").exists() and (tmp_path / "folder").is_dir()


def test_a_scratch_folder_is_gone_at_the_end():
    with scratch_folder("x") as folder:
        (folder / "deep").mkdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()


@pytest.mark.parametrize("content", [b"{", b"", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused_with_the_fix(tmp_path, content):
    path = tmp_path / "notes.json"
    path.write_bytes(content)
    with pytest.raises(Refused, match=r"notes.json: not readable as JSON \(.*\); write it again$"):
        read_json(path, Refused, "write it again")
    with pytest.raises(Refused, match="not readable"):
        read_json(tmp_path, Refused, "write it again")


def test_a_mapping_is_asked_for(tmp_path):
    path = tmp_path / "notes.json"
    path.write_text('["a"]')
    assert read_json(path, Refused, "write it again") == ["a"]
    with pytest.raises(Refused, match="holds no mapping; write it again"):
        read_mapping(path, Refused, "write it again")
