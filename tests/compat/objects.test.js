// Users as a model, through the official client: declared fields, every update type, and what is refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PASSWORD, openVestibule, refused, settled, worked } from './vestibule.js';

const FIELD = 'VESTIBULE_ENGINE__USER_FIELDS__';
let vestibule;

before(async () => {
  vestibule = await openVestibule({
    VESTIBULE_ENGINE__CONFIRM_EMAIL: 'false',
    [`${FIELD}CITY__REQUIRED`]: 'true',
    [`${FIELD}VISITS__TYPE`]: 'integer',
    [`${FIELD}TAGS__TYPE`]: 'list',
    [`${FIELD}BORN__TYPE`]: 'date',
    [`${FIELD}PLAN__WRITE`]: 'operator',
    [`${FIELD}PLAN__DEFAULT`]: 'free',
    [`${FIELD}jobTitle__MAX`]: '80',
  });
});
after(() => vestibule.close());

/** The object that a call answers. */
const answered = async (promise) => (await worked(promise)).data;

/** Somebody who signed up with data of the application's own, and their object. */
async function member(email, data = {}) {
  const client = vestibule.client();
  const { user } = await worked(client.auth.signUpWithEmail(email, PASSWORD, { name: 'Ann', city: 'Ulm', ...data }));
  return { client, user, object: client.db.model('users').object(user._id) };
}

test('the data of a sign-up is in the user, as far as it is declared', async () => {
  const { client, user, object } = await member('data@example.com', { surname: 'Lamp', jobTitle: 'Warden', plan: 'gold', role: 'admin', emailVerified: true });
  assert.deepEqual([user.name, user.surname, user.city, user.jobTitle, user.plan], ['Ann', 'Lamp', 'Ulm', 'Warden', 'free']);
  assert.deepEqual([user.role, user.emailVerified, user.visits], [undefined, false, undefined]);
  assert.deepEqual(await answered(object.get()), (await worked(client.auth.getUserFromDB())).user);
  assert.deepEqual(await answered(object.get({ cache: 'nocache', lookups: [{ field: 'city' }] })), user);
});

test('each field that is wrong at sign-up is told', async () => {
  const { errors } = await settled(vestibule.client().auth.signUpWithEmail('wrong@example.com', PASSWORD, { visits: 'many' }));
  assert.deepEqual(errors.items.map((item) => item.message.split(':')[0]), ['city', 'visits']);
});

test('update sets fields and gives the whole user back', async () => {
  const { object, user } = await member('update@example.com');
  const updated = await answered(object.update({ name: 'Ann B.', born: '2000-01-31', tags: ['a', 1, true] }));
  assert.deepEqual(updated, { ...user, name: 'Ann B.', born: '2000-01-31', tags: ['a', 1, true] });
});

test('updateFields knows every update type', async () => {
  const { object } = await member('fields@example.com');
  for (const [field, updateType, value, expected] of [
    ['visits', 'increment', 7, 7],
    ['visits', 'decrement', 2, 5],
    ['visits', 'multiply', 4, 20],
    ['visits', 'min', 9, 9],
    ['visits', 'max', 12, 12],
    ['tags', 'push', 'a', ['a']],
    ['tags', 'push', 'b', ['a', 'b']],
    ['tags', 'pull', 'a', ['b']],
    ['tags', 'set', [1, 2, 3], [1, 2, 3]],
    ['tags', 'pop', undefined, [1, 2]],
    ['tags', 'shift', undefined, [2]],
    ['tags', 'unset', undefined, undefined],
    ['profilePicture', 'set', 'https://example.com/a.png', 'https://example.com/a.png'],
    ['profilePicture', 'unset', undefined, undefined],
  ]) {
    const user = await answered(object.updateFields({ field, updateType, value }));
    assert.deepEqual(user[field], expected, `${updateType} ${field}`);
  }
  const several = [{ field: 'visits', updateType: 'set', value: 1 }, { field: 'visits', updateType: 'increment', value: 1 }];
  assert.equal((await answered(object.updateFields(several))).visits, 2);
});

test('twenty increments at once are twenty', async () => {
  const { object } = await member('race@example.com');
  await Promise.all(Array.from({ length: 20 }, () => worked(object.updateFields({ field: 'visits', updateType: 'increment', value: 1 }))));
  assert.equal((await answered(object.get())).visits, 20);
});

test('what is not one\'s to write is refused, and nothing is changed', async () => {
  const { object, user } = await member('mine@example.com');
  for (const field of ['_id', 'email', 'emailVerified', 'phone', 'phoneVerified', 'password', 'provider', 'signUpAt', 'plan']) {
    assert.equal(await refused(object.update({ name: 'x', [field]: 'x' })), '403 permission_denied', field);
  }
  assert.equal(await refused(object.update({ role: 'admin' })), '400 validation_error');
  assert.equal(await refused(object.update({ visits: 'many' })), '400 validation_error');
  assert.equal(await refused(object.updateFields({ field: 'city', updateType: 'unset' })), '400 validation_error');
  assert.equal(await refused(object.updateFields({ field: 'visits', updateType: 'double', value: 1 })), '400 validation_error');
  assert.equal(await refused(object.update({ twoFactorAuth: true })), '400 second_factor_needs_phone');
  assert.deepEqual(await answered(object.get()), user);
});

test('there is one\'s own object, and nothing else of a database', async () => {
  const [one, two] = [await member('one@example.com'), await member('two@example.com')];
  const model = one.client.db.model('users');
  assert.equal(await refused(model.object(two.user._id).get()), '404 object_not_found');
  assert.equal(await refused(one.client.db.model('orders').object(one.user._id).get()), '404 object_not_found');
  for (const call of [
    model.object().create({ email: 'x@example.com' }),
    one.object.delete(),
    model.filter('true').get(),
    model.filter('true').getSingle(),
    model.filter('true').update({ name: 'x' }),
    model.filter('true').delete(),
    model.searchText('x'),
    one.client.db.getStats(),
  ]) {
    assert.equal(await refused(call), '403 permission_denied');
  }
});
