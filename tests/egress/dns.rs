//! A client of name servers that shows their answers.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// The types of records.
pub const A: u16 = 1;
pub const AAAA: u16 = 28;

/// What a server answers.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The response code: 0 for an answer, 3 for a name that does not exist.
    pub code: u8,
    pub addresses: Vec<IpAddr>,
}

/// Asks a server for the records of a name; `None` without an answer.
pub fn ask(server: SocketAddr, name: &str, kind: u16, tcp: bool) -> Option<Answer> {
    let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).unwrap());
        query.extend(label.as_bytes());
    }
    query.push(0);
    query.extend(kind.to_be_bytes());
    query.extend(1_u16.to_be_bytes());
    let limit = Duration::from_secs(2);
    let reply = if tcp {
        let mut stream = TcpStream::connect_timeout(&server, limit).ok()?;
        stream.set_read_timeout(Some(limit)).unwrap();
        stream.write_all(&u16::try_from(query.len()).unwrap().to_be_bytes()).ok()?;
        stream.write_all(&query).ok()?;
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut reply).ok()?;
        reply
    } else {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.set_read_timeout(Some(limit)).unwrap();
        socket.send_to(&query, server).ok()?;
        let mut reply = vec![0; 1500];
        let length = socket.recv(&mut reply).ok()?;
        reply.truncate(length);
        reply
    };
    read(&reply, query.len())
}

/// Reads a reply whose question ends at `at`.
fn read(reply: &[u8], mut at: usize) -> Option<Answer> {
    let word = |at: usize| Some(u16::from_be_bytes([*reply.get(at)?, *reply.get(at + 1)?]));
    let mut answer = Answer { code: reply.get(3)? & 15, addresses: Vec::new() };
    for _ in 0..word(6)? {
        // A name is labels, or ends with a pointer.
        while *reply.get(at)? != 0 && *reply.get(at)? < 0xc0 {
            at += 1 + usize::from(*reply.get(at)?);
        }
        at += if *reply.get(at)? == 0 { 1 } else { 2 };
        let (kind, length) = (word(at)?, usize::from(word(at + 8)?));
        let data = reply.get(at + 10..at + 10 + length)?;
        match kind {
            A => answer.addresses.push(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).into()),
            AAAA => answer.addresses.push(Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).into()),
            _ => {}
        }
        at += 10 + length;
    }
    Some(answer)
}
