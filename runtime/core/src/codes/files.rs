//! Files that people write, as files.

super::codes! { Files:
FILE_ACCESS = "file-access", "a file or directory cannot be opened, read or written",
r"
    The system refused: the message names the path and repeats the system's words. Nothing was done with the file, and
    nothing half-written is left: what ansai writes goes to a temporary name beside its place first and is renamed when
    it is whole.
",
r"
    $ ansai check --config /root/ansai.toml      # as another user
    $ ansai inspect disk-spac.wasm               # a misspelt name
",
r"
    Check the path. For lack of permission, run as the user who may read or write it; for a full or read-only file
    system, name a place that can be written.
";

NOT_A_FILE = "not-a-file", "something else than a regular file lies at this path",
r"
    A directory, a device, a socket or a pipe stands where a file is read. ansai opens such paths without waiting, so
    that a pipe that nobody writes to cannot hold it up, and reads regular files only.
",
r"
    $ ansai check --config /etc/ansai            # the directory, not the file in it
",
r"
    Give the path of the file itself. What another program prints goes into a file first.
";

FILE_TOO_LARGE = "file-too-large", "a file is larger than one of its kind can sensibly be",
r"
    Every file that is read has a bound: 1 MiB for a manifest, a schema, a scenario, a README and a licence, 16 MiB for
    the configuration of a host, 64 MiB for a module. Files come from outside, and without bounds one of them could use
    up the memory of whoever looks at it.
",
r"
    $ truncate -s 2M policy.toml && ansai check .
",
r"
    Most often it is the wrong file. A configuration beyond 16 MiB is best divided among hosts; large data does not
    belong into settings.
";

NOT_UTF_8 = "not-utf-8", "a file that must be text is not valid UTF-8",
r"
    Manifests, configurations, schemas, scenarios, READMEs and licences are UTF-8. The message names the first byte that
    is not. An editor that saves in another encoding, or a binary file under the name of a text file, is the usual cause.
",
r#"
    $ printf 'name = "caf\xe9"\n' > policy.toml && ansai check .
"#,
r"
    Save the file as UTF-8, or convert it: `iconv -f latin1 -t utf-8 OLD > NEW`.
";

SYNTAX = "syntax", "a file is not valid TOML or JSON",
r"
    The parser could not go on at the place shown, so nothing of the file was looked at: further mistakes may come to
    light once this one is mended. A missing quote is often noticed one line later than where it is missing.
",
r#"
    # ansai.toml
    [policy.web]
    mode = observe
"#,
r#"
    Texts stand in double quotes; names with `/` or `:` do so also as keys: `"ansai:disk/disk-probe" = {}`. A table is
    opened once, as `[name]`, and closed by the next one.
"#;

DUPLICATE_KEY = "duplicate-key", "a key or a table stands twice in a file",
r"
    TOML gives a key one value. Two of them are refused rather than one of them silently winning, since for a grant or a
    mode the difference is what ansai may do.
",
r#"
    # ansai.toml
    [daemon]
    mode = "observe"
    mode = "enforce"
"#,
r"
    Keep one of them. Two policies of the same kind are two instances with names of your own, which may have the same
    `source`.
";

TOO_DEEP = "too-deep", "tables or lists stand in each other deeper than is read",
r"
    No file of ansai needs many levels. The bound keeps a file that was made to be deep from using up the stack of
    whoever reads it.
",
r"
    # ansai.toml
    [policy.web.settings]
    a = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
",
r"
    Write settings flat: a name for each value, a list where there are several.
";

EMPTY_FILE = "empty-file", "a manifest or schema has nothing in it",
r"
    A manifest needs at least a name, a version, a description and a schedule, and a schema at least says that settings
    are a table. An empty file is taken for a mistake, such as a redirection that failed, not for a policy without needs.
",
r"
    $ : > policy.toml && ansai check .
",
r"
    The hint shows the lines to begin with. `ansai new NAME --lang LANGUAGE` writes a whole policy.
";

EXISTS = "exists", "something has this name already, and nothing is overwritten",
r"
    Commands that make something new leave alone what is there: a file, a directory (an empty one too) or a link. The
    name is taken at the end and in one step, so that what another program put there meanwhile stays as well.
",
r"
    $ ansai new web --lang rust && ansai new web --lang go
",
r"
    Choose another name or another directory (`--dir`), or remove what is there. `ansai recordings export` replaces a
    file with `--force`.
";

NO_DIRECTORY = "no-directory", "the directory in which something is to be made is not there",
r"
    A new policy gets a directory of its own below one that exists. That one is not made too: a misspelt path would
    otherwise become a tree of directories.
",
r"
    $ ansai new web --lang rust --dir polices
",
r"
    Name a directory that exists with `--dir`, or make it first.
";
}
