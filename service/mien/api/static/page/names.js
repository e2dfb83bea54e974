// What the person at the page calls the people of a clip.

export class Names {
  constructor(people) {
    this.given = new Map(people.map(({ person }) => [person, `Person ${person}`]));
    this.watchers = [];
  }

  of(person) {
    return this.given.get(person) ?? `Person ${person}`;
  }

  /** For a label in the picture: the number alone unless a name was given. */
  short(person) {
    const name = this.of(person);
    return name === `Person ${person}` ? `${person}` : name;
  }

  set(person, name) {
    this.given.set(person, name.trim() || `Person ${person}`);
    for (const watcher of this.watchers) watcher();
  }
}
