// People who sign up as fast as they are answered, and what became of it.
import { sleep } from './vestibule.js';

const AT_ONCE = 8;

export class SignUps {
  /** Addresses that were told that their account is made. */
  acknowledged = [];
  /** How often each status was answered; 0 is no answer. */
  statuses = {};
  #vestibule;
  #name;
  #number = 0;
  #stopped = false;

  /** `name` is in the addresses, where a server has several such loads. */
  constructor(vestibule, name = 'guest') {
    this.#vestibule = vestibule;
    this.#name = name;
  }

  /** Signs up, several at a time, until nobody answers. */
  untilGone() {
    return this.#run((status) => status === 0);
  }

  /** Signs up, several at a time, until `stop`; goes on through every error. */
  untilStopped() {
    return this.#run(() => false);
  }

  stop() {
    this.#stopped = true;
  }

  async one() {
    const email = `${this.#name}-${this.#number++}@example.com`;
    const answer = await this.#vestibule.signUp(email);
    this.statuses[answer.status] = (this.statuses[answer.status] ?? 0) + 1;
    if (answer.status === 200) this.acknowledged.push(email);
    return answer;
  }

  /** Who was told that their account is made, and has none. */
  async lost() {
    const lost = [];
    const asked = [...this.acknowledged];
    const ask = async () => {
      for (let email = asked.pop(); email; email = asked.pop()) if (!(await this.#vestibule.hasAccount(email))) lost.push(email);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    return lost;
  }

  async #run(isOver) {
    let over = false;
    this.#stopped = false;
    const go = async () => {
      while (!over && !this.#stopped) {
        const { status } = await this.one();
        over ||= isOver(status);
        if (status !== 200) await sleep(20);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, go));
  }
}
