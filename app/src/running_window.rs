//! One window for each home folder: files that Limn is started with again go to the window that is open already.
//!
//! The window listens on this machine's own network address and writes port and token into its cache folder, readable by
//! its user alone. Who starts Limn again sends token and files as one line of JSON; the window answers that it has taken
//! them. Where nobody answers in time, the files are opened in a window of their own.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::files;
use crate::paths::Folders;

/// A window that is busy for longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Of one message; paths beyond it get a window of their own.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Where the open window listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Address {
    port: u16,
    token: Uuid,
}

#[derive(Serialize, Deserialize)]
struct Message {
    token: Uuid,
    files: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    /// Of the message: nobody else's server says it.
    taken: Uuid,
}

/// The open window's ear. Dropping it lets the next start open a window.
pub struct Door {
    address: Address,
    file: PathBuf,
    /// Files to open, none where the window is only to come to the front.
    pub handed: Receiver<Vec<PathBuf>>,
}

impl Door {
    /// Listens in a thread of its own. `wake` is called for each start that hands something over.
    ///
    /// # Errors
    /// If the system gives no port or no thread, or the folder takes no file.
    pub fn open(folders: &Folders, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = Address {
            port: listener.local_addr()?.port(),
            token: Uuid::new_v4(),
        };
        let (hand, handed) = channel();
        let token = address.token;
        std::thread::Builder::new()
            .name("window's door".to_owned())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    match hear(&stream, token) {
                        Ok(files) => {
                            if hand.send(files).is_err() {
                                return;
                            }
                            wake();
                        }
                        Err(error) => tracing::debug!("nothing was handed over: {error}"),
                    }
                }
            })?;
        let file = file(folders);
        write(&file, &address)?;
        Ok(Self {
            address,
            file,
            handed,
        })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if read(&self.file).is_some_and(|address| address == self.address) {
            // One that stays leads nowhere, and the next start sees that.
            let _ = std::fs::remove_file(&self.file);
        }
    }
}

/// Hands files to the window that is open on the same home; false where there is none that takes them.
pub fn hand_over(folders: &Folders, files: &[PathBuf]) -> bool {
    let Some(address) = read(&file(folders)) else {
        return false;
    };
    match send(&address, files) {
        Ok(()) => true,
        Err(error) => {
            tracing::info!("no open window takes the files: {error}");
            false
        }
    }
}

fn send(address: &Address, files: &[PathBuf]) -> io::Result<()> {
    let names = files.iter().map(|file| file.to_str().map(str::to_owned));
    let files: Option<Vec<String>> = names.collect();
    let files = files.ok_or_else(|| io::Error::other("a name is not Unicode"))?;
    let socket = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port));
    let mut stream = TcpStream::connect_timeout(&socket, PATIENCE)?;
    let message = Message {
        token: address.token,
        files,
    };
    say(&mut stream, &message)?;
    let answer: Answer = line(&stream)?;
    if answer.taken == address.token {
        Ok(())
    } else {
        Err(io::Error::other("somebody else answers there"))
    }
}

fn hear(mut stream: &TcpStream, token: Uuid) -> io::Result<Vec<PathBuf>> {
    let message: Message = line(stream)?;
    if message.token != token {
        return Err(io::Error::other("the token is another"));
    }
    say(&mut stream, &Answer { taken: token })?;
    Ok(message.files.into_iter().map(PathBuf::from).collect())
}

fn say(stream: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    stream.write_all(&line)
}

fn line<T: for<'de> Deserialize<'de>>(stream: &TcpStream) -> io::Result<T> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = Vec::new();
    BufReader::new(stream.take(MAX_LINE_BYTES)).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}

fn file(folders: &Folders) -> PathBuf {
    folders.cache.join("window.json")
}

fn read(file: &Path) -> Option<Address> {
    let mut text = String::new();
    let file = File::open(file).ok()?;
    file.take(MAX_LINE_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(path: &Path, address: &Address) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        files::create_dirs(&files::RealFs, folder)?;
    }
    // One that another user could read stays as readable as it was.
    let _ = std::fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(&serde_json::to_vec(address)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_second_start_hands_its_files_to_the_open_window() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        let files = [
            home.path().join("a picture.png"),
            PathBuf::from("model.safetensors"),
        ];
        assert!(!hand_over(&folders, &files), "there is no window yet");

        let (wake, woken) = channel();
        let door = Door::open(&folders, move || wake.send(()).unwrap_or_default()).unwrap();
        assert!(hand_over(&folders, &files));
        woken.recv_timeout(Duration::from_mins(1)).unwrap();
        assert_eq!(door.handed.try_recv().unwrap(), files);
        assert!(hand_over(&folders, &[]), "it only comes to the front");
        let elsewhere = Folders::under(&home.path().join("other"));
        assert!(
            !hand_over(&elsewhere, &files),
            "another home, another window"
        );

        drop(door);
        assert!(!hand_over(&folders, &files), "the window was closed");
    }

    /// After a crash the address leads nowhere, or to somebody else.
    #[test]
    fn what_does_not_answer_as_a_window_is_passed_by() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        let door = Door::open(&folders, || ()).unwrap();
        let known = door.address.clone();
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = other.local_addr().unwrap().port();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = other.accept().unwrap();
            stream.write_all(b"220 another service\r\n").unwrap();
        });
        write(
            &file(&folders),
            &Address {
                port,
                ..known.clone()
            },
        )
        .unwrap();
        assert!(!hand_over(&folders, &[]));
        answering.join().unwrap();
        let wrong_token = Address {
            token: Uuid::new_v4(),
            ..known
        };
        write(&file(&folders), &wrong_token).unwrap();
        assert!(!hand_over(&folders, &[]));
        assert!(door.handed.try_recv().is_err());
        std::fs::write(file(&folders), "{").unwrap();
        assert!(!hand_over(&folders, &[]));
    }
}
