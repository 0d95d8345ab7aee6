//! What this machine's loopback can do at all: bytes over TCP between two threads that block, with nothing around them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use crate::{clock, cpu_seconds, percentiles};

/// As large as a batch of 8,192 rows of 40 bytes.
const BLOCK: usize = 8_192 * 40;

fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (there, _) = listener.accept().unwrap();
    here.set_nodelay(true).unwrap();
    there.set_nodelay(true).unwrap();
    (here, there)
}

pub(crate) fn rate(bytes: u64) {
    let (mut from, mut to) = connection();
    let (wall, cpu) = (clock(), cpu_seconds());
    let receiver = std::thread::spawn(move || {
        let (mut block, mut received) = (vec![0; BLOCK], 0);
        loop {
            match to.read(&mut block).unwrap() {
                0 => return received,
                count => received += count as u64,
            }
        }
    });
    let block = vec![7; BLOCK];
    (0..bytes / BLOCK as u64).for_each(|_| from.write_all(&block).unwrap());
    drop(from);
    let gigabytes = receiver.join().unwrap() as f64 / 1e9;
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!(
        "{{\"bare_tcp\": true, \"wall_seconds\": {wall:.2}, \"cpu_seconds\": {cpu:.2}, \"gb_per_second\": {:.2}, \
         \"gb_per_cpu_second\": {:.2}}}",
        gigabytes / wall,
        gigabytes / cpu,
    );
}

pub(crate) fn round_trips(count: usize, bytes: usize) {
    let (mut here, mut there) = connection();
    let echo = std::thread::spawn(move || {
        let mut block = vec![0; bytes];
        for _ in 0..count {
            there.read_exact(&mut block).unwrap();
            there.write_all(&block).unwrap();
        }
    });
    let mut block = vec![7; bytes];
    let mut micros = Vec::with_capacity(count);
    for _ in 0..count {
        let since = clock();
        here.write_all(&block).unwrap();
        here.read_exact(&mut block).unwrap();
        micros.push(since.elapsed().as_secs_f64() * 1e6);
    }
    echo.join().unwrap();
    println!("{{\"bare_tcp\": true, \"round_trips\": {count}, \"bytes\": {bytes}, {}}}", percentiles(micros));
}
