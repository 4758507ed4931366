// The official client (altogic 2.3.9): every method of StorageManager, BucketManager and FileManager, good and bad.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { KEY, PASSWORD, openVestibule, refused, settled, worked } from './vestibule.js';

let vestibule;
let ann;
let ben;

before(async () => {
  vestibule = await openVestibule({ VESTIBULE_ENGINE__CONFIRM_EMAIL: 'false' });
  [ann, ben] = await Promise.all([member('ann@example.com'), member('ben@example.com')]);
});
after(() => vestibule.close());

/** Somebody who is signed in. */
async function member(email) {
  const client = vestibule.client();
  await worked(client.auth.signUpWithEmail(email, PASSWORD, 'Somebody'));
  return client;
}

const data = async (promise) => (await worked(promise)).data;

test('a bucket is created, found, described and listed', async () => {
  const made = await data(ann.storage.createBucket('pets', true, ['animals']));
  assert.deepEqual([made.name, made.isPublic, made.tags], ['pets', true, ['animals']]);
  assert.match(made._id, /^[0-9a-f]{24}$/);
  assert.ok(Number.isFinite(Date.parse(made.createdAt)));
  assert.equal(await refused(ben.storage.createBucket('pets')), '400 bucket_not_unique');
  assert.equal(await refused(ben.storage.createBucket('root')), '400 bucket_not_unique');
  assert.equal(await refused(ben.storage.createBucket('a/b')), '400 validation_error');
  for (const [bucket, there] of [['pets', true], [made._id, true], ['root', true], ['nowhere', false]]) {
    assert.equal(await data(ben.storage.bucket(bucket).exists()), there);
  }
  assert.equal((await data(ben.storage.bucket('pets').getInfo()))._id, made._id);
  assert.equal((await data(ann.storage.bucket('pets').getInfo(true))).stats.objectsCount, 0);
  assert.equal((await data(ann.storage.root.getInfo())).name, 'root');
  assert.equal(await refused(ann.storage.bucket('nowhere').getInfo()), '404 bucket_not_found');
  assert.deepEqual((await data(ann.storage.listBuckets())).map(({ name }) => name), ['root', 'pets']);
  assert.deepEqual((await data(ann.storage.listBuckets("IN(tags, 'animals')"))).map(({ name }) => name), ['pets']);
  const counted = await data(ann.storage.listBuckets({ limit: 1, page: 2, sort: { field: 'name', direction: 'desc' }, returnCountInfo: true }));
  assert.deepEqual(counted.countInfo, { count: 2, totalPages: 2, currentPage: 2, pageSize: 1 });
  assert.equal(counted.result[0].name, 'pets');
  assert.equal(await refused(ann.storage.listBuckets('name ==')), '400 validation_error');
});

test('a bucket is changed by who made it', async () => {
  await worked(ann.storage.createBucket('drafts'));
  const drafts = ann.storage.bucket('drafts');
  assert.equal((await data(drafts.makePrivate(true))).isPublic, false);
  assert.equal((await data(drafts.makePublic(true))).isPublic, true);
  assert.equal((await data(drafts.makePublic())).isPublic, true, 'already public is fine');
  assert.deepEqual((await data(drafts.addTags(['a', 'b']))).tags, ['a', 'b']);
  assert.deepEqual((await data(drafts.addTags('c'))).tags, ['a', 'b', 'c']);
  assert.deepEqual((await data(drafts.removeTags('a'))).tags, ['b', 'c']);
  assert.equal((await data(drafts.rename('sketches'))).name, 'sketches');
  const sketches = ann.storage.bucket('sketches');
  const updated = await data(sketches.updateInfo('ideas', false, ['x'], true));
  assert.deepEqual([updated.name, updated.isPublic, updated.tags], ['ideas', false, ['x']]);
  const bens = ben.storage.bucket('ideas');
  const changes = () => [bens.rename('x'), bens.makePublic(), bens.makePrivate(), bens.addTags('x'), bens.removeTags('x'), bens.updateInfo('x', true, []), bens.delete()];
  for (const call of changes()) assert.equal(await refused(call), '404 bucket_not_found', 'a private one is like none');
  assert.equal(await data(bens.exists()), false);
  assert.equal((await data(ann.storage.bucket('ideas').makePublic())).isPublic, true);
  for (const call of changes()) assert.equal(await refused(call), '403 permission_denied');
  const gone = ann.storage.bucket('sketches');
  const missing = [gone.rename('x'), gone.makePublic(), gone.makePrivate(), gone.addTags('x'), gone.removeTags('x'), gone.updateInfo('x', true, []), gone.delete(), gone.empty(), gone.listFiles(), gone.deleteFiles(['x'])];
  for (const call of missing) assert.equal(await refused(call), '404 bucket_not_found');
  await worked(ann.storage.bucket('ideas').delete());
  assert.equal(await data(ann.storage.bucket('ideas').exists()), false);
});

test('root is neither deleted nor renamed nor hidden', async () => {
  for (const call of [ann.storage.root.delete(), ann.storage.root.rename('mine'), ann.storage.root.makePrivate()]) {
    assert.equal(await refused(call), '403 permission_denied');
  }
});

test('a private file may be anything and comes back as it was', async () => {
  const bucket = ann.storage.bucket('papers');
  const options = { createBucket: true, isPublic: false, contentType: 'text/plain', tags: ['draft'] };
  assert.equal(await refused(bucket.upload('note.txt', 'text', { isPublic: false })), '404 bucket_not_found');
  const text = await data(bucket.upload('note.txt', 'Grüße', options));
  assert.deepEqual([text.fileName, text.mimeType, text.size, text.isPublic, text.tags], ['note.txt', 'text/plain', 7, false, ['draft']]);
  assert.equal('publicPath' in text, false);
  assert.equal(await (await data(bucket.file('note.txt').download())).text(), 'Grüße');
  await worked(bucket.upload('data.json', { a: [1, null] }, { ...options, contentType: 'application/json' }));
  assert.equal(await (await data(bucket.file('data.json').download())).text(), '{"a":[1,null]}');
  await worked(bucket.upload('bytes.bin', Buffer.from([0, 255, 10]), { ...options, contentType: 'application/octet-stream' }));
  assert.deepEqual(new Uint8Array(await (await data(bucket.file('bytes.bin').download())).arrayBuffer()), new Uint8Array([0, 255, 10]));
  assert.equal((await data(bucket.upload('empty.txt', '', options))).size, 0);
  assert.equal(await refused(bucket.upload('page.html', '<script>', { createBucket: true })), '400 file_upload_error');
  assert.equal(await refused(bucket.file('note.txt').makePublic()), '400 file_upload_error');
  assert.equal(await refused(ben.storage.bucket('papers').file('note.txt').download()), '404 file_not_found');
  assert.equal(await refused(ann.storage.bucket('papers').makePublic(true)), '400 file_upload_error');
});

test('a picture from Node is shown, kept from view, replaced and deleted', async () => {
  const root = ann.storage.root;
  const stored = await data(root.upload('user_1', picture()));
  assert.deepEqual([stored.isPublic, stored.encoding], [true, '7bit']);
  assert.deepEqual(await status(stored.publicPath), [200, 'image/jpeg', 'nosniff']);
  assert.equal((await data(root.upload('user_1', picture()))).fileName, 'user_1 (1)');
  const file = root.file('user_1');
  assert.equal((await data(file.makePrivate())).isPublic, false);
  assert.equal((await status(stored.publicPath))[0], 404);
  assert.equal((await data(file.makePublic())).publicPath, stored.publicPath);
  const replaced = await data(file.replace(picture(9), {}));
  assert.deepEqual([replaced._id, replaced.fileName], [stored._id, 'user_1']);
  assert.notEqual(replaced.publicPath, stored.publicPath);
  for (const path of [stored.publicPath, replaced.publicPath]) assert.equal((await status(path))[0], 200);
  await worked(ben.storage.deleteFile(replaced.publicPath));
  assert.equal((await status(replaced.publicPath))[0], 200, 'nobody else deletes it');
  await worked(ann.storage.deleteFile(replaced.publicPath));
  assert.equal((await status(replaced.publicPath))[0], 404);
});

test('a file is looked up, renamed, tagged, copied, moved and deleted', async () => {
  const root = ann.storage.root;
  const { _id: id } = await data(root.upload('cat.png', picture()));
  assert.equal(await data(root.file('cat.png').exists()), true);
  assert.equal(await data(root.file('dog.png').exists()), false);
  assert.equal(await data(ben.storage.root.file('cat.png').exists()), false);
  assert.equal((await data(root.file('cat.png').getInfo()))._id, id);
  const file = root.file(id);
  assert.equal((await data(file.rename('Ann\'s cat, #1 & more!.png'))).fileName, 'Ann\'s cat, #1 & more!.png');
  assert.deepEqual((await data(file.addTags(['a', 'b']))).tags, ['a', 'b']);
  assert.deepEqual((await data(file.removeTags('a'))).tags, ['b']);
  const updated = await data(file.updateInfo('cat.png', true, ['c']));
  assert.deepEqual([updated.fileName, updated.tags], ['cat.png', ['c']]);
  assert.equal((await data(file.duplicate())).fileName, 'cat (1).png');
  assert.equal((await data(file.duplicate('kitten.png'))).fileName, 'kitten.png');
  await worked(ann.storage.createBucket('zoo'));
  assert.equal((await data(file.copyTo('zoo'))).fileName, 'cat.png');
  assert.equal((await data(file.moveTo('zoo'))).fileName, 'cat (1).png');
  assert.equal(await refused(file.getInfo()), '404 file_not_found');
  const moved = ann.storage.bucket('zoo').file(id);
  assert.equal(await refused(moved.moveTo('nowhere')), '404 bucket_not_found');
  const bens = ben.storage.bucket('zoo').file(id);
  const calls = [bens.getInfo(), bens.makePublic(), bens.makePrivate(), bens.rename('x'), bens.duplicate(), bens.delete(), bens.replace('x', {}), bens.moveTo('root'), bens.copyTo('root'), bens.addTags('x'), bens.removeTags('x'), bens.updateInfo('x', true, [])];
  for (const call of calls) assert.equal(await refused(call), '404 file_not_found');
  await worked(moved.delete());
  assert.equal(await refused(moved.delete()), '404 file_not_found');
  await worked(root.deleteFiles(['kitten.png', 'never was']));
  assert.equal(await data(root.file('kitten.png').exists()), false);
  await worked(ann.storage.bucket('zoo').empty());
  assert.deepEqual(await data(ann.storage.bucket('zoo').listFiles()), []);
});

test('files are listed, searched and counted', async () => {
  await worked(ben.storage.createBucket('lists', false));
  const lists = ben.storage.bucket('lists');
  for (const name of ['b.txt', 'a.txt', 'c.md']) await worked(lists.upload(name, name.repeat(3), { contentType: 'text/plain' }));
  const names = (files) => files.map(({ fileName }) => fileName);
  assert.deepEqual(names(await data(lists.listFiles())), ['b.txt', 'a.txt', 'c.md']);
  assert.deepEqual(names(await data(lists.listFiles({ sort: { field: 'fileName', direction: 'desc' }, limit: 2 }))), ['c.md', 'b.txt']);
  assert.deepEqual(names(await data(lists.listFiles("ENDSWITH(this.fileName, '.txt') && size > 1"))), ['b.txt', 'a.txt']);
  const found = await data(ben.storage.searchFiles("mimeType == 'text/plain'", { page: 2, limit: 2, returnCountInfo: true }));
  assert.deepEqual([found.countInfo.count, names(found.result)], [3, ['c.md']]);
  assert.equal(await refused(ben.storage.searchFiles('this is no expression')), '400 validation_error');
  assert.deepEqual(await data(ann.storage.searchFiles("fileName == 'c.md'")), []);
  const stats = await data(ben.storage.getStats());
  assert.deepEqual([stats.objectsCount, stats.totalStorageSize, stats.minObjectSize, stats.bucketsCount], [3, 42, 12, 2]);
  assert.equal((await data(lists.getInfo(true))).stats.averageObjectSize, 14);
});

test('what a browser sends of a File is stored, and what Node sends of a Blob is refused', async () => {
  const query = new URLSearchParams({ bucket: 'root', fileName: 'me.png', options: '{"contentType":"text/plain;charset=UTF-8","createBucket":false}' });
  const form = new FormData();
  form.set('file', new Blob([picture()], { type: 'image/png' }), 'me.png');
  const answer = await fetch(`${vestibule.url}/_api/rest/v1/storage/bucket/upload-formdata?${query}`, {
    method: 'POST',
    headers: { 'X-Client-Key': KEY, Session: ann.auth.getSession().token },
    body: form,
  });
  assert.deepEqual([answer.status, (await answer.json()).mimeType], [200, 'image/jpeg']);
  assert.equal(await refused(ann.storage.root.upload('a.png', new Blob([picture()]))), '400 file_upload_error');
  assert.equal(await refused(ann.storage.root.file('me.png').replace(new Blob([picture()]), {})), '400 file_upload_error');
});

test('nobody who is not signed in has a storage', async () => {
  const { storage } = vestibule.client();
  for (const call of [storage.getStats(), storage.listBuckets(), storage.root.upload('a', 'text'), storage.root.file('a').exists()]) {
    assert.equal(await refused(call), '401 missing_session_token');
  }
  assert.equal((await settled(storage.root.exists())).data, true, 'the client answers this one itself');
});

async function status(path) {
  const answer = await fetch(path);
  await answer.arrayBuffer();
  return [answer.status, answer.headers.get('content-type'), answer.headers.get('x-content-type-options')];
}

/** A square PNG. */
function picture(side = 8) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2], 8);
  const rows = Buffer.alloc(side * (1 + 3 * side), 120);
  for (let row = 0; row < side; row += 1) rows[row * (1 + 3 * side)] = 0;
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type, content) {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const whole = Buffer.alloc(typed.length + 8);
  whole.writeUInt32BE(content.length, 0);
  whole.set(typed, 4);
  whole.writeUInt32BE(crc(typed), typed.length + 4);
  return whole;
}

function crc(bytes) {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return ~value >>> 0;
}
