const {
  Runner: { constants },
  reporters: { Base, Spec },
} = require('mocha');

/**
 * Mocha's own report, which names at its end what was skipped: in the middle of thousands of lines nobody sees it. An
 * error is shown at once too, so that a run that is ended early has said it.
 */
module.exports = class extends Spec {
  #skipped = [];

  constructor(runner, options) {
    super(runner, options);
    runner.on(constants.EVENT_TEST_PENDING, (test) => this.#skipped.push(test.fullTitle()));
    runner.on(constants.EVENT_TEST_FAIL, (test, error) => {
      Base.consoleLog(Base.color('fail', '\n%s\n%s\n'), test.fullTitle(), error.stack ?? error.message);
    });
  }

  epilogue() {
    if (this.#skipped.length > 0) {
      Base.consoleLog(Base.color('pending', '\n  SKIPPED, since something that they need is not there:'));
      for (const title of this.#skipped) Base.consoleLog(Base.color('pending', '  - %s'), title);
    }
    super.epilogue();
  }
};
