/** Sums vitest's JSON reports of several projects. */

/**
 * @param report the file of vitest's `json` reporter, or null where the run ended before it was written
 * @param exitCode of that run
 * @returns { passed, failed, skipped, leftOut, faults } where leftOut has a line for each group of skipped tests, and
 * faults one for each failed test or file
 */
export function summarise(report, exitCode) {
  if (report === null) {
    return { passed: 0, failed: 1, skipped: 0, leftOut: [], faults: ['the tests ended before their report'] };
  }
  // A file that cannot even be loaded has no tests that could fail: it counts as one.
  const brokenFiles = report.testResults.filter(function (file) {
    return file.status === 'failed' && !file.assertionResults.some(isFailed);
  }).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    // Errors outside of tests (an unhandled rejection) show only in the exit code.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
    leftOut: leftOut(report),
    faults: failed === 0 && exitCode !== 0 ? ['an error outside of the tests'] : faults(report),
  };
}

/** At the end of a long output, where a reader looks first: which test, in which file, and the first line of why. */
function faults(report) {
  const lines = [];
  for (const file of report.testResults) {
    const failed = file.assertionResults.filter(isFailed);
    for (const test of failed) {
      const title = test.ancestorTitles.concat(test.title).join(' > ');
      lines.push(file.name + ': ' + title + ': ' + firstLine((test.failureMessages || [])[0]));
    }
    if (file.status === 'failed' && failed.length === 0)
      lines.push(file.name + ': ' + firstLine(file.message));
  }
  return lines;
}

function firstLine(text) {
  return (text || 'no message').split('\n')[0].slice(0, 300);
}

function isFailed(test) {
  return test.status === 'failed';
}

/** Skipped tests by their outermost `describe`, whose title says why. */
function leftOut(report) {
  const groups = new Map();
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed' || test.status === 'failed') continue;
      const title = test.ancestorTitles.length > 0 ? test.ancestorTitles[0] : test.title;
      groups.set(title, (groups.get(title) || 0) + 1);
    }
  }
  return Array.from(groups, function (group) {
    return group[1] + ' x ' + group[0];
  });
}

/** The closing line, which tools read: `N passed, N failed, N skipped`. */
export function closingLine(summaries) {
  const sum = function (key) {
    return summaries.reduce(function (total, summary) {
      return total + summary[key];
    }, 0);
  };
  return sum('passed') + ' passed, ' + sum('failed') + ' failed, ' + sum('skipped') + ' skipped';
}
